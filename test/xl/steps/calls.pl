# SPDX-License-Identifier: GPL-2.0-only
# Makes the calls in test/xl/steps/calls, which come on stdin, and prints of each what steps/main prints of a step. With
# "help" it names the calls on domains, networks, pools and volumes that Sys::Virt has.
use strict;
use warnings;
use Socket;
use Sys::Virt;
use Sys::Virt::Event;

our ($c, $d, $e, $n, $p, $r, $s, $v, @events, %callback);
our $more = '<disk type="block" device="disk"><driver name="phy"/><source dev="/dev/loop6"/><target dev="xvdb" bus="xen"/></disk>';
$| = 1;

sub slurp { my ($name) = @_; local $/; open(my $file, '<', $name) or die "$name: $!\n"; return <$file> }

# Until it is true. Events come in meanwhile, and libvirtd's question whether anybody is there is answered.
sub within {
	my ($seconds, $true) = @_;
	my $end = time + $seconds;
	until ($true->()) {
		die "not in time\n" if time >= $end;
		Sys::Virt::Event::run_default();
	}
	return 1;
}
sub seen { my ($event) = @_; return within(30, sub { grep { $_ eq $event } @events }) }
sub n { return scalar @_ }
sub ready { return within(200, sub { slurp('/var/log/xen/guest-c1.log') =~ /guest: ready/ }) }

sub help {
	no strict 'refs';
	for my $class ('', qw(::Domain ::Network ::NetworkPort ::StoragePool ::StorageVol)) {
		my $package = "Sys::Virt$class";
		my $name = $package =~ s/.*:://r;
		for (sort grep { /^[a-z]\w+[a-z]$/ && defined &{"${package}::$_"} } keys %{"${package}::"}) {
			print "  $name.$_\n" if $class || /domain|network|pool|storage|save_image/;
		}
	}
}

if (@ARGV) {
	help();
	exit;
}
Sys::Virt::Event::register_default();
Sys::Virt::Event::add_timeout(500, sub { });
$c = Sys::Virt->new(uri => 'xen:///system');
while (<STDIN>) {
	my ($call, $code) = /^\s*call:([^ ()]*)\(\) \{ (.*) \}$/ or next;
	my $works = eval $code;
	my $said = ($@ || ($works ? '' : 'not what was expected')) =~ s/\s+/ /gr;
	my $up = slurp('/proc/uptime') =~ s/ .*\n//r;
	printf "XL: %s: %s: %s (at %s s)\n", $works ? 'works' : 'fails', $call, $said, $up;
}
