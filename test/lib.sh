# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by test/boot, test/demo and the system tests: starting QEMU with Keel in it. It is sourced,
# with the top folder as the working directory.
#
# Settings, from the environment or make's command line:
#   ACCEL      auto, tcg, kvm     LOADER     multiboot, uefi
#   CPU        QEMU's -cpu        SMP, MEM   CPUs and memory (default 2, 2G)
#   QEMU_ARGS  added unchanged  KEEL_OPTIONS  Keel's own boot options
#   IOMMU      off, intel, amd    off says iommu=off to Keel; intel,eim=on: more of QEMU's options
#   QEMU       10                 bookworm-backports' QEMU (make qemu10), for what 7.2 lacks
#   FIRMWARE   smm                OVMF as built for Secure Boot: its ACPI NVS lies over a kernel's usual place
#   HOST_CPU   all                TCG's CPUs on all of the host's (default: on one, see one_host_cpu())

O=${O:-build}

die() {
	echo "$*" >&2
	exit 1
}

# unpacked_kernel prints the path of the kernel as an ELF. A bzImage is unpacked once, below build/,
# because Keel has no decompressor.
unpacked_kernel() {	# file
	local id out
	[ -r "$1" ] || { echo "$1: no such file, or it cannot be read" >&2; return 1; }
	if [ "$(head -c4 "$1" | od -An -tx1 | tr -d ' ')" = 7f454c46 ]; then
		echo "$1"
		return
	fi
	id=$(stat -L -c '%i-%s-%Y' "$1")
	out=$O/kernels/$(basename "$1")-$id.elf
	if [ ! -s "$out" ]; then
		mkdir -p "$O/kernels"
		"$O/dom0-tools/unpack-kernel" "$1" "$out.$$" >&2 && mv "$out.$$" "$out" || { rm -f "$out.$$"; return 1; }
	fi
	echo "$out"
}

# Sets accel and accel_args, and says on stderr what it chose and why. Keel has run on VMX only in
# Bochs, so auto chooses KVM only on SVM.
choose_accel() {
	local offered
	case ${ACCEL:-auto} in
	tcg) accel=tcg ;;
	kvm) accel=kvm ;;
	auto)
		offered=$(test/accel/probe)
		case $offered in
		svm) accel=kvm ;;
		*) accel=tcg ;;
		esac
		case $offered in
		svm) echo "accel: KVM, which offers nested SVM here" ;;
		vmx) echo "accel: TCG (KVM offers nested VMX here, which Keel was never tried on: ACCEL=kvm does that)" ;;
		*) echo "accel: TCG (no KVM that offers nested SVM or VMX here)" ;;
		esac >&2 ;;
	*) die "ACCEL=$ACCEL: it must be auto, tcg or kvm" ;;
	esac
	if [ "$accel" = kvm ]; then
		accel_args=(-accel kvm -cpu "${CPU:-host}")
	else
		accel_args=(-accel "tcg,thread=multi" -cpu "${CPU:-EPYC,+svm,monitor=off}")
	fi
}

# Keeps this shell and its children on one CPU of the host, if possible one that no other emulator
# uses. TCG's CPUs are threads. In QEMU 7.2 each of them writes the first one's hflags2 without a
# lock when it loads FPU state (QEMU's cpu_clear_ignne()). If that collides with a change by the
# first one itself, nested paging stays on after a #VMEXIT, which then saves the host's state as the
# guest's, or interrupts stay off for ever. Threads on one CPU cannot collide within an instruction.
one_host_cpu() {
	local range cpu fd
	for range in $(taskset -cp $BASHPID | sed 's/.*: //; s/,/ /g'); do
		for cpu in $(seq "${range%-*}" "${range#*-}"); do
			exec {fd}>>"${TMPDIR:-/tmp}/keel-emulator-on-cpu.$cpu"
			flock -n "$fd" && break 2
			exec {fd}>&-
		done
	done
	taskset -cp "$cpu" $BASHPID >/dev/null
}

# Sets qemu to the emulator's command. A QEMU that is only unpacked must be told where its modules
# and files are.
choose_qemu() {
	local root=${PACKAGES:-$O/packages}-bookworm-backports/root
	case ${QEMU:-} in
	'') qemu=(qemu-system-x86_64) ;;
	10) qemu=(env QEMU_MODULE_DIR="$root/qemu-system-common/usr/lib/x86_64-linux-gnu/qemu"
		"$root/qemu-system-x86/usr/bin/qemu-system-x86_64" -L "$root/qemu-system-data/usr/share/qemu") ;;
	*) die "QEMU=$QEMU: it must be 10, or not set" ;;
	esac
}

# Writes Debian's Xen to FILE, for multiboot.
debian_xen() {	# file
	dom0-tools/image/fetch-packages test/bench/packages.list "$O/packages" &&
		zcat "$O"/packages/root/xen-hypervisor-4.17-amd64/boot/xen-4.17-amd64.gz >"$1"
}

# Sets machine_args: the machine, without the files to boot.
machine() {	# log-or-stdio
	choose_qemu
	choose_accel
	if [ "$accel" = tcg ] && [ "${SMP:-2}" != 1 ] && [ "${HOST_CPU:-}" != all ]; then one_host_cpu; fi
	machine_args=(-machine "q35,kernel-irqchip=split${FIRMWARE:+,$FIRMWARE=on}" "${accel_args[@]}"
		-smp "${SMP:-2}" -m "${MEM:-2G}" -display none -no-reboot -nic none)
	if [ -t 0 ] && [ -t 1 ]; then	# with a terminal, Ctrl-A X ends QEMU
		machine_args+=(-chardev "stdio,id=com1,mux=on,signal=off" -mon "chardev=com1")
	else
		machine_args+=(-chardev "stdio,id=com1,signal=off")
		monitor_args
	fi
	machine_args+=(-serial chardev:com1)
	case ${IOMMU:-off} in	# must come before all other devices
	off) ;;
	intel | amd | intel,*) machine_args+=(-device "${IOMMU%%,*}-iommu,intremap=on${IOMMU#"${IOMMU%%,*}"}") ;;
	*) die "IOMMU=$IOMMU: it must be off, intel or amd" ;;
	esac
}

# For test/run: connects the monitor to a pair of pipes in the test's folder, where test/evidence
# finds it, and has QEMU write there why it resets, for qemu_ended().
monitor_args() {
	local pipe=${TEST_DIR:-}/monitor.$BASHPID
	if [ -n "${TEST_DIR:-}" ] && mkdir -p "$TEST_DIR" && mkfifo "$pipe.in" "$pipe.out"; then
		machine_args+=(-chardev "pipe,id=monitor,path=$pipe" -mon chardev=monitor
			-d cpu_reset -D "$TEST_DIR/resets.$BASHPID")
	else
		machine_args+=(-monitor none)
	fi
}

# Shows QEMU's warnings except known ones: features that TCG lacks (docs name them), and modules
# that the unpacked QEMU lacks or finds in the installed one's folder.
quiet_qemu() {
	grep -v -e "TCG doesn't support requested feature" -e 'failed to initialize module' \
		-e 'Only modules from the same build' >&2
}

# Says how QEMU ended, if not as a guest that powers off or reboots ends it. Nothing else would: a
# shell does not name the signal that killed one of a pipeline, and a triple fault is silent.
qemu_ended() {	# status
	[ "$1" = 0 ] || printf "\nQEMU ended with status %s\n" "$1"
	! grep -s -h -m1 'Triple fault' "${TEST_DIR:-/nonexistent}/resets.$BASHPID"
}

# Runs the emulator, on the machine of machine() and with these arguments, for so long at the most. The
# console is on stdout.
emulate() {	# seconds argument...
	# shellcheck disable=SC2086 # a command with its arguments
	${EMU_WRAPPER:-} timeout -k 5 "$1" "${qemu[@]}" "${machine_args[@]}" "${@:2}" 2> >(quiet_qemu)
}

# Keel's options, with iommu=off if the machine has no IOMMU.
keel_options() {
	local off=' iommu=off'
	[ "${IOMMU:-off}" = off ] || off=
	echo "console=com1$off${KEEL_OPTIONS:+ $KEEL_OPTIONS}"
}

# Quotes a string as the value of a QEMU option: commas are doubled.
qemu_value() {
	echo "${1//,/,,}"
}

# Sets boot_args for LOADER=multiboot: Keel, module 0 = kernel, module 1 = initrd.
multiboot_args() {	# kernel initrd cmdline
	local modules
	modules="$(qemu_value "$1")${3:+ $(qemu_value "$3")}"
	[ -n "$2" ] && modules+=",$(qemu_value "$2")"
	boot_args=(-kernel "${KEEL_BUILD:-$O}/keel.elf" -append "$(keel_options)" -initrd "$modules")
}

# Fills FOLDER with the files that the firmware and Keel's loader need.
make_esp() {	# folder kernel initrd cmdline
	local folder=$1
	rm -rf "$folder"
	mkdir -p "$folder/EFI/BOOT"
	cp "${KEEL_BUILD:-$O}/keel.efi" "$folder/EFI/BOOT/BOOTX64.EFI" || return 1
	cp --reflink=auto "$2" "$folder/EFI/BOOT/vmlinux" || return 1
	[ -z "$3" ] || cp --reflink=auto "$3" "$folder/EFI/BOOT/initrd.img" || return 1
	test/boot-tree "${3:+initrd}" "$4" "$(keel_options)" >"$folder/keel.dts" || return 1
	dtc -q -I dts -O dtb -o "$folder/EFI/BOOT/keel.dtb" "$folder/keel.dts"
}

# Makes an initial RAM disk that prints which kernel Dom0 has and where it lies, and powers off.
poweroff_initrd() {	# file
	local tree=$1.tree
	mkdir -p "$tree/bin" "$tree/proc" "$tree/dev" && cp "$O/dom0/tree/bin/busybox" "$tree/bin/" || return 1
	cat >"$tree/init" <<-'INIT'
		#!/bin/busybox sh
		/bin/busybox mount -t proc proc /proc
		echo "Dom0: Linux $(/bin/busybox uname -r)"
		/bin/busybox grep "Kernel code" /proc/iomem
		[ ! -e /usr/lib/keel/efi ] || /usr/lib/keel/efi
		/bin/busybox poweroff -f
	INIT
	chmod +x "$tree/init" && dom0-tools/image/pack "$tree" "$1"
}

# Makes a FAT volume that contains FOLDER, with some free space.
fat_image() {	# image folder
	truncate -s "$(($(du -sk "$2" | cut -f1) + 8192))K" "$1"
	mkfs.vfat -n KEEL "$1" >/dev/null && mcopy -s -i "$1" "$2" ::/
}

# Sets firmware_args: OVMF with its own copy of the variables, those of ovmf's snakeoil key if this is said.
firmware_args() {	# folder for the copy [snakeoil]
	cp "/usr/share/OVMF/OVMF_VARS_4M${2:+.$2}.fd" "$1/vars.fd"
	firmware_args=(${FIRMWARE:+-global driver=cfi.pflash01,property=secure,value=on}
		-drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M${FIRMWARE:+.secboot}.fd"
		-drive "if=pflash,format=raw,file=$1/vars.fd")
}

# Sets boot_args to boot WORK-FOLDER/esp.
esp_args() {	# work-folder
	firmware_args "$1"
	boot_args=("${firmware_args[@]}" -drive "file=fat:rw:$1/esp,format=raw,if=none,id=esp"
		-device "ide-hd,drive=esp,bootindex=0")
}

# The same, after Keel is copied there.
uefi_volume_args() {	# work-folder
	mkdir -p "$1/esp/EFI/BOOT"
	cp "${KEEL_BUILD:-$O}/keel.efi" "$1/esp/EFI/BOOT/BOOTX64.EFI" && esp_args "$1"
}

# Makes an ISO of FOLDER that GRUB boots on BIOS; boot/grub/grub.cfg in it is the menu.
grub_iso() {	# image folder
	grub-mkrescue -d /usr/lib/grub/i386-pc -o "$1" "$2" >"$1.log" 2>&1 || { cat "$1.log" >&2; return 1; }
}

# Sets boot_args for LOADER=uefi with a single Dom0.
uefi_args() {	# work-folder kernel initrd cmdline
	make_esp "$1/esp" "$2" "$3" "$4" && uefi_volume_args "$1"
}

# Derives the exit status from Keel's last line about Dom0's end.
dom0_status() {	# log
	local last
	last=$(tr -d '\r' <"$1" | grep -a -o 'Dom0: \(powered off\|rebooted\|crashed\).*' | tail -1)
	case $last in
	"Dom0: powered off"*) return 0 ;;
	"Dom0: rebooted"*) return 3 ;;
	"Dom0: crashed"*) return 4 ;;
	*) return 5 ;;
	esac
}

# For runs without Dom0, which nothing ends: runs COMMAND until its console has N lines with DONE in
# them, or a line with BAD or a panic, or the time is over. Then it stops COMMAND and prints the
# console, which is in $log.
run_until() {	# seconds n done bad command...
	local n=$2 finished=$3 bad=$4 end=$((SECONDS + $1)) job
	shift 4
	: >"$log"	# must exist at the first look, perhaps before the command runs
	setsid "$@" >"$log" 2>&1 </dev/null &
	job=$!
	# shellcheck disable=SC2064
	trap "kill -- -$job 2>/dev/null; exit 1" INT TERM
	while [ $SECONDS -lt $end ] && kill -0 $job 2>/dev/null; do
		[ "$(grep -a -c -E "$finished" "$log")" -lt "$n" ] && ! grep -a -q -E "$bad|KEEL\) panic" "$log" || break
		sleep 1
	done
	kill -- -$job 2>/dev/null
	wait $job 2>/dev/null
	tr -d '\r' <"$log"
}

# QEMU's options for an NVMe disk that a guest gets whole.
nvme_of_guest() {	# image
	echo "-device nvme,serial=keel,addr=05,drive=nv -drive file=$1,format=raw,if=none,id=nv,cache=unsafe"
}

# QEMU's options for an NVMe disk that can have virtual functions. All of them share one namespace.
nvme_with_vfs() {	# image bus most-vfs
	local shares=sriov_vq_flexible=$(($3 * 2)),sriov_vi_flexible=$3,max_ioqpairs=$(($3 * 2 + 4)),msix_qsize=$(($3 + 4))
	echo "-device nvme-subsys,id=ss0 -device nvme,id=nv0,serial=keel,subsys=ss0,bus=$2,sriov_max_vfs=$3,$shares" \
		"-drive file=$1,format=raw,if=none,id=nv,cache=unsafe -device nvme-ns,drive=nv,bus=nv0,nsid=1,shared=on"
}
