# SPDX-License-Identifier: GPL-2.0-only
# Source rules of the guard (README.md). Input: the lists, then the sources. A violation is one line
# "file:line: rule: what".

BEGIN {
	# Primitives that touch hardware, and the kind of their entries in allowed.list.
	n = split("inb inw inl outb outw outl insb insw insl outsb outsw outsl port_in port_out", w, " ")
	for (i = 1; i <= n; i++) kind[w[i]] = "port"
	n = split("rdmsr wrmsr rdmsr_safe wrmsr_safe wrmsr_try", w, " ")
	for (i = 1; i <= n; i++) kind[w[i]] = "msr"
	n = split("mmio_read8 mmio_read16 mmio_read32 mmio_read64 mmio_write8 mmio_write16 " \
		"mmio_write32 mmio_write64 readb readw readl readq writeb writew writel writeq " \
		"ioremap map_mmio mmio_map mmio_load mmio_store", w, " ")
	for (i = 1; i <= n; i++) kind[w[i]] = "mmio"
	n = split("pci_read8 pci_read16 pci_read32 pci_write8 pci_write16 pci_write32 " \
		"pci_conf_read pci_conf_write pci_read pci_write", w, " ")
	for (i = 1; i <= n; i++) kind[w[i]] = "pci"
}

# allowed.list: kind | file | what (regular expression) | why
LIST == "allowed" {
	if ($0 ~ /^[ \t]*(#|$)/) next
	if (split($0, f, /[ \t]+[|][ \t]+/) < 4 || f[4] == "") {
		print FILENAME ":" FNR ": list: a line needs kind | file | what | why"
		next
	}
	gsub(/[ \t]/, "", f[1])
	key = f[1] " " f[2]
	allow[key] = (key in allow) ? allow[key] "|" f[3] : f[3]
	next
}

# exceptions.list: rule | file | function or - | limit | why
LIST == "exceptions" {
	if ($0 ~ /^[ \t]*(#|$)/) next
	if (split($0, f, /[ \t]+[|][ \t]+/) < 5 || f[5] == "") {
		print FILENAME ":" FNR ": list: a line needs rule | file | function or - | limit | why"
		next
	}
	gsub(/[ \t]/, "", f[1])
	limit[f[1] " " f[2] " " f[3]] = f[4]
	next
}

function path(	p)
{
	p = FILENAME
	sub(/^\.\//, "", p)
	if (SEED) {	# a seeded file names the file that it stands for
		return SEED_AS == "" ? "common/seeded.c" : SEED_AS
	}
	return p
}

function report(rule, text)
{
	print FILENAME ":" FNR ": " rule ": " text
}

# Calls of primitives: the first argument must match one of the file's entries.
function check_calls(line,	rest, name, arg, depth, i, c, k)
{
	rest = line
	while (match(rest, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
		name = substr(rest, RSTART, RLENGTH)
		sub(/[ \t]*\($/, "", name)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(name in kind)) continue
		arg = ""
		depth = 0
		for (i = 1; i <= length(rest); i++) {
			c = substr(rest, i, 1)
			if (c == "(") depth++
			else if (c == ")" && depth-- == 0) break
			else if (c == "," && depth == 0) break
			arg = arg c
		}
		k = kind[name] " " file
		if (!(k in allow))
			report("hardware", name "(" arg "): allowed.list has no " kind[name] " line for " file)
		else if (arg !~ ("^[ \t]*(" allow[k] ")"))
			report("hardware", name "(" arg "): allowed.list lets " file " touch only " allow[k])
	}
	if (line ~ /\(volatile +(u8|u16|u32|u64|uint(8|16|32|64)_t|unsigned|char|void)[^)]*\*\)/ &&
	    !(("mmio " file) in allow))
		report("hardware", "a volatile pointer looks like device memory: " file " has no mmio line")
}

# Instructions in assembly text (inline or .S).
function check_insns(text,	t)
{
	t = " " text " "
	if (t ~ /[ \t;n](in|out)[bwl]?[ \t]+[%$0-9]/ || t ~ /[ \t;n](ins|outs)[bwl][ \t;]/)
		insn("port", "in/out")
	if (t ~ /[^a-z_](rdmsr|wrmsr)[^a-z_(]/)
		insn("msr", "rdmsr/wrmsr")
	if (t ~ /[^a-z_](vmrun|vmload|vmsave|clgi|stgi|skinit|invlpga)[^a-z_(]/)
		insn("svm", "SVM instruction")
	if (t ~ /[^a-z_](vmxon|vmxoff|vmlaunch|vmresume|vmptrld|vmclear|vmread|vmwrite|invept|invvpid)[^a-z_(]/)
		insn("vmx", "VMX instruction")
}

function insn(k, what)
{
	if (!((k " " file) in allow))
		report("hardware", what " in " file ", which has no " k " line in allowed.list")
}

function check_include(line,	inc)
{
	if (line !~ /^[ \t]*#[ \t]*include/) return
	inc = line
	sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", inc)
	sub(/[>"].*/, "", inc)
	if (file ~ /^xen\/include\/public\//) {
		if (inc !~ /^(public\/|std(int|def|bool|arg)\.h$)/)
			report("dependency", "the public ABI includes " inc ", which is not part of it")
	} else if (file ~ /^common\//) {
		if (inc ~ /^(arch|asm|xen\/efi|xen\/multiboot)\// || inc ~ /\.\.\/.*arch/)
			report("dependency", "common includes " inc ": declare an arch_ hook in a common header instead")
	} else if (file ~ /^arch\/x86\/include\/machine\//) {
		if (inc !~ /^(common|machine|public)\//)
			report("dependency", "what common includes of the arch includes " inc)
	} else if (file ~ /^dom0-tools\//) {
		if (inc ~ /^(common|arch)\//)
			report("dependency", "dom0-tools includes " inc " of the hypervisor")
	}
	if (file ~ /^test\/|^dom0-tools\/test\//) return
	check_private(inc)
	if (inc ~ /arch\/x86\/(svm|vmx)\// && file !~ /^arch\/x86\/(svm|vmx)\//)
		report("dependency", inc " is reached only through arch/x86/hvm/ops.h")
	if ((inc ~ /arch\/x86\/svm\// && file ~ /^arch\/x86\/vmx\//) ||
	    (inc ~ /arch\/x86\/vmx\// && file ~ /^arch\/x86\/svm\//))
		report("dependency", "svm and vmx do not know each other")
}

# Only the files of its folder may include NAME_internal.h.
function check_private(inc,	folder)
{
	if (inc !~ /_internal\.h$/ || inc !~ /\//) return
	folder = file
	sub(/[^\/]*$/, "", inc)
	sub(/[^\/]*$/, "", folder)
	if (folder != inc && folder != "dom0-tools/" inc)
		report("dependency", "a private header of " inc " is included from another folder")
}

# A header's first comment says that it is private if its name does, and only then.
function check_first_comment()
{
	if (judged || FNR == 1 || comment == "") return
	first_comment = first_comment comment
	if (in_comment) return
	judged = 1
	if ((file ~ /_internal\.h$/) != (first_comment ~ /Private header of /))
		report("private", "a header is named NAME_internal.h if its first comment is \"Private header of ...\"")
}

function check_vendor(line)
{
	if (line ~ /cpu_features\.(amd|intel)|cpu_vendor|is_(amd|intel)[^a-z]|AuthenticAMD|GenuineIntel/ &&
	    file !~ /^arch\/x86\/(svm|vmx)\// && !(("vendor " file) in allow))
		report("vendor", "the CPU's vendor is asked for outside svm/ and vmx/: " line)
}

# common/ is for any CPU: what is not, is in the architecture's headers (machine/) and arch_*()
# functions.
function check_neutral(line)
{
	if (file !~ /^common\//) return
	if (match(line, /(^|[^A-Za-z0-9_])(__asm__|asm|__builtin_ia32_[a-z0-9_]*|apic_id|iommu_root|DIRECTMAP_BASE)([^A-Za-z0-9_]|$)/) ||
	    (match(line, /0[xX][fF][fF][fF][fF][89a-fA-F][0-9a-fA-F]+/) && RLENGTH == 18))
		report("neutral", substr(line, RSTART, RLENGTH) " is x86: declare it in a header of arch/x86/include/machine, or an arch_ hook")
}

# A function starts at a line that begins with an opening brace, and ends at one that begins with a
# closing brace.
function check_length(raw,	key)
{
	if (raw ~ /^\{/ && fn_name != "") {
		fn_start = FNR
	} else if (raw ~ /^\}/ && fn_start) {
		key = "function " file " " fn_name
		if (FNR - fn_start - 1 > ((key in limit) ? limit[key] : 60))
			report("length", fn_name "() has " FNR - fn_start - 1 " lines, more than 60")
		fn_start = 0
		fn_name = ""
	} else if (!fn_start && raw ~ /^[A-Za-z_].*\(/ && raw !~ /;[ \t]*$/) {
		fn_name = raw
		sub(/\(.*/, "", fn_name)
		sub(/.*[ \t*]/, "", fn_name)
	}
}

# 100 characters. A message's text is not split, so that a search finds it; it may end a longer
# line.
function check_width(raw)
{
	if (length(raw) > 100 && raw !~ /^[^"]*("([^"\\]|\\.)*"[ A-Za-z0-9_()]*)+[ ,;:)}\\]*$/)
		report("width", "the line has " length(raw) " characters, more than 100")
}

function end_of_file(	key)
{
	if (file == "" || !is_source) return
	key = "file " file " -"
	if (lines > ((key in limit) ? limit[key] : 600))
		print name_of_file ":" lines ": length: the file has " lines " lines, more than 600"
}

FNR == 1 {
	end_of_file()
	if ($0 !~ /SPDX-License-Identifier: (GPL-2.0-only|MIT)/)
		report("licence", "the first line must be its SPDX-License-Identifier")
	SEED_AS = ""
	if (SEED && match($0, /as: [^ ]+/))
		SEED_AS = substr($0, RSTART + 4, RLENGTH - 4)
	file = path()
	name_of_file = FILENAME
	in_comment = fn_start = in_asm = 0
	judged = file !~ /\.h$/
	first_comment = ""
	fn_name = ""
	# These rules are for the hypervisor: common/, arch/, xen/. Others only have the rules for includes and the licence.
	is_source = file ~ /^(common|arch|xen)\//
	hosted = file ~ /^xen\/efi\// # the loader: an EFI application
}

{
	lines = FNR
	code = clean($0)
	check_first_comment()
	check_width($0)
	if (code ~ /^[ \t]*#[ \t]*include/)
		check_include($0)
	if (!is_source) next
	check_calls(code)
	if (code ~ /(^|[^a-z_])(__asm__|asm)([^a-z_]|$)/)
		in_asm = 1
	if (file ~ /\.S$/ || in_asm)
		check_insns(file ~ /\.S$/ ? code : strings)
	if (code ~ /;[ \t\\}]*$/)
		in_asm = 0
	check_vendor(code strings)
	check_neutral(code)
	if (file ~ /\.c$/) {
		check_length($0)
		if (code ~ /^[ \t]*#[ \t]*if/ && !(("if " file " -") in limit))
			report("if", "#if in a .c file: use IS_ENABLED() or a stub")
	}
}

END { end_of_file() }
