# SPDX-License-Identifier: GPL-2.0-only
# damage.pl FILE FOLDER SEED: makes damaged copies of a guest that xl saved, as FOLDER/NAME. They,
# and FOLDER/sound, which is not damaged, have only a few of the guest's pages, so that restoring
# one does not take long. Prints for each its name, and what restoring it must say; "-" is for the
# one that is not damaged, "?" for those with a bit flipped at random, which may still be right.
# Xen's docs/specs/libxl-migration-stream.pandoc and libxc-migration-stream.pandoc describe the
# file. %part has its parts, whose names are in @order. A record begins with its type and length.
use strict;
use warnings;

my ($name, $folder, $seed) = @ARGV;
open(my $file, '<:raw', $name) or die "$name: $!";
my (%part, @order);

sub take {	# NAME BYTES
	my ($part, $count) = @_;
	read($file, my $bytes, $count) == $count or die "$name: too short for $part";
	push @order, $part;
	return $part{$part} = $bytes;
}

# Returns a record's type; one of pages is left out.
use constant PAGES => 1;
sub take_record {	# NAMES, by type
	my ($names) = @_;
	my ($type, $length);
	read($file, my $head, 8) == 8 or die "$name: no end";
	($type, $length) = unpack('L2', $head);
	seek($file, -8, 1);
	my $padded = 8 + ($length + 7 & ~7);
	if ($names->{$type}) {
		take($names->{$type}, $padded);
	} elsif ($type == PAGES) {
		take_pages($padded);
	} else {
		die "$name: a record of type $type";
	}
	return $type;
}

# Keeps the pages that begin a few records, if their contents are there: those with ACPI tables and
# with rings, and the guest's first.
sub take_pages {	# BYTES
	my ($count, $first, @kept) = (0);
	read($file, my $bytes, $_[0]) == $_[0] or die "$name: too short for pages";
	$count = unpack('L', substr($bytes, 8, 4));
	my @pfns = unpack("Q$count", substr($bytes, 16, 8 * $count));
	my $at = 16 + 8 * $count;
	for my $pfn (@pfns) {
		next if $pfn >> 60;
		push @kept, [ $pfn, substr($bytes, $at, 4096) ] if $pfn == 0 || $pfn >= 0xfc000;
		$at += 4096;
	}
	return unless @kept;
	my $pages = join('', map { $_->[1] } @kept);
	my $body = pack('L2', scalar @kept, 0) . pack('Q*', map { $_->[0] } @kept) . $pages;
	push @order, 'pages' unless $part{pages};
	$part{pages} .= pack('L2', PAGES, length $body) . $body;
}

take('file-header', 48);
take('configuration', unpack('L', substr($part{'file-header'}, 44, 4)));
# A damaged guest is not to start again.
$part{configuration} =~ s/"on_reboot": "restart"/"on_reboot": "destroy"/;
take('libxl-header', 16);
take_record({ 1 => 'libxl-context' });
take('header', 24);
take('domain-header', 16);
1 while take_record({ 0 => 'end', 8 => 'tsc', 9 => 'hvm-context', 10 => 'hvm-params',
	16 => 'static-end', 17 => 'cpuid', 18 => 'msrs' });
take_record({ 0 => 'libxl-end' });

sub u32 { my ($part, $at, $value) = @_; substr($part{$part}, $at, 4) = pack('L', $value) }
sub u64 { my ($part, $at, $value) = @_; substr($part{$part}, $at, 8) = pack('Q', $value) }
# Of the configuration, whose length does not change.
sub setting {
	my ($key, $value) = @_;
	$part{configuration} =~ s/("$key": *)(\d+)/$1 . sprintf('%*d', length($2), $value)/e;
}
sub flip { my ($part, $at, $bit) = @_; substr($part{$part}, $at, 1) ^= chr(1 << $bit) }
sub record { my ($type, $body) = (@_, ''); pack('L2', $type, length $body) . $body }
sub cpuid_leaves { my ($times) = @_; $part{cpuid} = record(17, substr($part{cpuid}, 8) x $times) }
# Pages to be allocated, whose contents are not in the file.
use constant XALLOC => 0xe << 60;
sub add_pages {
	my ($n) = @_;
	$part{pages} .= record(PAGES, pack("L2Q$n", $n, 0, map { $_ | XALLOC } 1 .. $n));
}

# A function that leaves out the second half of a part, and the parts behind it.
sub cut {
	my ($last) = @_;
	return sub {
		my $gone;
		for (@order) {
			$part{$_} = substr($part{$_}, 0, $gone ? 0 : length($part{$_}) / 2) if $gone || $_ eq $last;
			$gone ||= $_ eq $last;
		}
	};
}

# Where the data of a record of the hypervisor's begin (Xen's public/hvm/save.h).
sub hvm {	# CODE
	my ($code) = @_;
	for (my $at = 8; $at < length $part{'hvm-context'}; ) {
		my ($type, $vcpu, $length) = unpack('S2L', substr($part{'hvm-context'}, $at, 8));
		return $at + 8 if $type == $code;
		$at += 8 + $length;
	}
	die "$name: no HVM record $code";
}

# What is damaged, the words that tell (libxc's, with Keel's errno, or xl's), and how.
my $refused = 'Unable to restore HVM context (22 = Invalid argument)';
my @damages = (
	[ 'sound', '-', sub { } ],
	[ 'magic', 'wrong magic number', sub { flip('file-header', 8, 0) } ],
	[ 'mandatory-flags', 'mandatory flag(s) 0x4000', sub { flip('file-header', 37, 6) } ],
	[ 'configuration-size', 'Unable to malloc', sub { u32('file-header', 44, 0x7fffffff) } ],
	[ 'memory', 'Failed to populate', sub { setting('target_memkb', 40); add_pages(1024) } ],
	[ 'vcpus', $refused, sub { setting('max_vcpus', 1) } ],
	[ 'libxl-version', 'Unexpected Version: expected 2, got 6', sub { flip('libxl-header', 11, 2) } ],
	[ 'libxl-end-type', 'Unrecognised record 0x00000020', sub { flip('libxl-end', 0, 5) } ],
	[ 'marker', 'Invalid marker: Got 0xfffffffffffdffff', sub { flip('header', 2, 1) } ],
	[ 'domain-type', 'Unable to restore x86 PV domain', sub { u32('domain-header', 0, 1) } ],
	[ 'type', 'Mandatory record 0x48 (Reserved) not handled', sub { flip('tsc', 0, 6) } ],
	[ 'size', 'length 0xfffffff8 exceeds max', sub { u32('tsc', 4, 0xfffffff8) } ],
	[ 'cpuid-leaf', 'leaf 00004000, subleaf ffffffff, msr', sub { u32('cpuid', 8, 0x4000) } ],
	[ 'cpuid-count', '(7 = Argument list too long)', sub { cpuid_leaves(20) } ],
	[ 'msrs-index', 'msr c0000080 (34', sub { u32('msrs', 8, 0xc0000080) } ],
	[ 'static-end', 'No STATIC_DATA_END seen', sub { $part{'static-end'} = '' } ],
	[ 'pages-size', 'PAGE_DATA record wrong size', sub { flip('pages', 4, 2) } ],
	[ 'pages-count', 'too short to contain 2147483647 pfns', sub { u32('pages', 8, 0x7fffffff) } ],
	[ 'pages-far', 'Failed to populate', sub { u64('pages', 16, 1 << 28) } ],
	[ 'checkpoint', 'Found checkpoint in non-checkpointed', sub { $part{pages} .= record(14) } ],
	[ 'tsc-mode', 'Unable to set TSC information (22', sub { flip('tsc', 8, 3) } ],
	[ 'params-index', 'set HVM param 1000', sub { u64('hvm-params', 16, 1000) } ],
	[ 'hvm-missing', 'Unable to restore HVM context (61', sub { $part{'hvm-context'} = '' } ],
	[ 'hvm-length', 'Unable to restore HVM context (61', sub { flip('hvm-context', hvm(2) - 2, 6) } ],
	[ 'hvm-cr4', $refused, sub { flip('hvm-context', hvm(2) + 683, 7) } ],
	[ 'hvm-efer', $refused, sub { flip('hvm-context', hvm(2) + 993, 4) } ],
	[ 'hvm-rip', $refused, sub { flip('hvm-context', hvm(2) + 647, 6) } ],
	[ 'hvm-apic-base', $refused, sub { flip('hvm-context', hvm(5) + 3, 2) } ],
	[ 'hvm-irr', $refused, sub { flip('hvm-context', hvm(6) + 0x201, 4) } ],
	[ 'hvm-xcr0', $refused, sub { flip('hvm-context', hvm(16) + 8, 0) } ],
	[ 'cut-configuration', 'truncated reading optdata', cut('configuration') ],
	[ 'cut-pages', 'bytes of data for record (0x00000001, Page data)', cut('pages') ],
	[ 'cut-hvm-context', 'bytes of data for record (0x00000009, HVM context)', cut('hvm-context') ],
	[ 'cut-end', 'Failed to read Record Header', cut('end') ],
);
srand($seed);
my @known = ('cpuid', 'msrs', 'pages', 'tsc', 'hvm-context', 'hvm-params');
for (1 .. 4) {
	my $some = $known[rand @known];
	my ($at, $bit) = (int(rand length $part{$some}), int(rand 8));
	push @damages, [ "$some-$at.$bit", '?', sub { flip($some, $at, $bit) } ];
}

my %sound = %part;
for my $damage (@damages) {
	my ($which, $words, $how) = @$damage;
	%part = %sound;
	$how->();
	open(my $out, '>:raw', "$folder/$which") or die "$folder/$which: $!";
	print $out map { $part{$_} } @order;
	close($out) or die "$folder/$which: $!";
	print "$which $words\n";
}
