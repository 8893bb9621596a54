/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI Express host bridge of a guest that can have devices. The numbers of the 64-bit window are put in when
 * the guest is built: guest_tables.c finds them by these patterns.
 */
DefinitionBlock ("guest_pci.aml", "SSDT", 2, "KEEL", "KEELPCI", 1)
{
	/* Linux believes MCFG only where a motherboard's resource holds its memory: hvm/pvh_layout.h. */
	Device (\_SB.MRES)
	{
		Name (_HID, EisaId ("PNP0C02"))
		Name (_UID, 0)
		Name (_CRS, ResourceTemplate ()
		{
			Memory32Fixed (ReadWrite, 0xfd000000, 0x01800000)
		})
	}

	Device (\_SB.PCI0)
	{
		Name (_HID, EisaId ("PNP0A08"))
		Name (_CID, EisaId ("PNP0A03"))
		Name (_UID, 0)
		Name (_SEG, 0)
		Name (_BBN, 0)
		Name (_CRS, ResourceTemplate ()
		{
			WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 23, 0, 24)
			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
				0, 0xdc000000, 0xfbffffff, 0, 0x20000000)
			QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Prefetchable, ReadWrite,
				0, 0x1111111111111111, 0x2222222222222222, 0, 0x1111111111111112)
		})

		/* The operating system has native hot-plug and the capability structure (PCI Firmware 3.2, 4.5.1). */
		Method (_OSC, 4)
		{
			CreateDWordField (Arg3, 8, CTRL)
			CTRL &= 0x11
			Return (Arg3)
		}
	}
}
