package acpkm

// Section sizes of the content encryption of CMS (R 1323565.1.025-2019), in
// bytes. They were confirmed with OpenSSL and gost-engine 3.0.1, which encrypts
// CMS content so.
//
// RFC 9337, section 7.3, leaves the section size of PBES2 open ("fixed within a
// specific protocol"); this module uses the same values there.
const (
	// SectionSizeMagma belongs to id-gostr3412-2015-magma-ctracpkm and
	// -ctracpkm-omac.
	SectionSizeMagma = 8 << 10
	// SectionSizeKuznyechik belongs to id-gostr3412-2015-kuznyechik-ctracpkm
	// and -ctracpkm-omac.
	SectionSizeKuznyechik = 256 << 10
)

// Section sizes that gost-engine 3.0.1 falls back to, in bytes. It encrypts and
// decrypts PBES2 with them, and decrypts CMS content with them even where it
// has used the sizes above to encrypt. A reader that fails with more than one
// such section of content may try them through WithSectionSize.
const (
	SectionSizeMagmaEngine      = 1 << 10
	SectionSizeKuznyechikEngine = 4 << 10
)
