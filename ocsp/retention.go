package ocsp

import (
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ArchiveCutoff returns the archive cutoff of the answer, the zero time if it
// has none that can be read: the responder answers for certificates that expired
// at that moment or later, from records that it keeps (RFC 6960, section 4.4.4).
func (s Single) ArchiveCutoff() time.Time { return s.timeExtension(oid.OCSPArchiveCutoff) }

// InvalidityDate returns the invalidity date of a revoked certificate, which
// may come as an entry extension of a list does (RFC 6960, section 4.4.5; RFC 5280,
// section 5.3.2); the zero time if there is none that can be read.
func (s Single) InvalidityDate() time.Time { return s.timeExtension(oid.InvalidityDate) }

// timeExtension reads an extension that is a GeneralizedTime.
func (s Single) timeExtension(id oid.OID) time.Time {
	for _, e := range s.Extensions {
		if e.ID != id {
			continue
		}
		var at time.Time
		v := cryptobyte.String(e.Value)
		if readTime(&v, &at) && v.Empty() {
			return at
		}
		return time.Time{}
	}
	return time.Time{}
}
