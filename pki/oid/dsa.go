package oid

// DSA, which is read in old certificates and never made (RFC 3279, RFC 5758).
const (
	DSA           OID = "1.2.840.10040.4.1"      // dsa
	DSAWithSHA1   OID = "1.2.840.10040.4.3"      // dsa-with-sha1
	DSAWithSHA224 OID = "2.16.840.1.101.3.4.3.1" // dsa-with-sha224
	DSAWithSHA256 OID = "2.16.840.1.101.3.4.3.2" // dsa-with-sha256
)

// Names in certificates beyond those of RFC 5280.
const (
	SmtpUTF8Mailbox OID = "1.3.6.1.5.5.7.8.9" // id-on-SmtpUTF8Mailbox
)

var knownDSA = [...]Info{
	{DSA, "dsa", "DSA key", "RFC 3279, section 2.3.2"},
	{DSAWithSHA1, "dsa-with-sha1", "DSA with SHA-1", "RFC 3279, section 2.2.2"},
	{DSAWithSHA224, "dsa-with-sha224", "DSA with SHA-224", "RFC 5758, section 3.1"},
	{DSAWithSHA256, "dsa-with-sha256", "DSA with SHA-256", "RFC 5758, section 3.1"},
	{SmtpUTF8Mailbox, "id-on-SmtpUTF8Mailbox", "E-mail address with Unicode letters", "RFC 9598"},
}
