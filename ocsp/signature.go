package ocsp

import "github.com/gosklyuch/gosklyuch/pki"

// CheckSignature verifies the signature of the response with the key of cert,
// which the responderID must name, and nothing else: neither the right of cert
// to answer nor any date. [Response.Check] decides; this is for evidence whose
// subject is not at hand. The error is nil or an [*Error].
func (r *Response) CheckSignature(cert *pki.Certificate) error {
	switch {
	case r.Status != Successful:
		return &Error{Kind: KindErrorStatus, Status: r.Status, Cite: "RFC 6960, section 4.2.1", Detail: "the responder answered " + r.Status.String()}
	case cert == nil || !r.names(cert):
		return &Error{Kind: KindNoResponder, Cite: "RFC 6960, section 4.2.2.3", Detail: "the responderID does not name this certificate"}
	}
	if e := r.verify(cert); e != nil {
		return e
	}
	return nil
}
