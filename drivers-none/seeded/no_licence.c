/* breaks: licence; as: common/x.c */
int x;
