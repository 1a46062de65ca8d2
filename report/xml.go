package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
)

type xmlName = xml.Name

// The URIs of ETSI TS 119 102-2, and our own for what it leaves to the program.
const (
	uriMain       = "urn:etsi:019102:mainindication:"
	uriSub        = "urn:etsi:019102:subindication:"
	uriApplied    = "urn:etsi:019102:constraintStatus:applied"
	uriDisabled   = "urn:etsi:019102:constraintStatus:disabled"
	uriOverridden = "urn:etsi:019102:constraintStatus:overridden"
	uriProcess    = "urn:etsi:019102:validationprocess:"
	uriProof      = "urn:etsi:019102:poetype:validation"
	uriObject     = "urn:etsi:019102:validationObject:"
	uriOwn        = "urn:x-gosklyuch:"

	uriSHA256      = "http://www.w3.org/2001/04/xmlenc#sha256"
	uriStreebog256 = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34112012-256"
	uriStreebog512 = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34112012-512"
)

// digestURIs name the digests of an Input, the most wanted first.
var digestURIs = []struct{ name, uri string }{
	{"streebog256", uriStreebog256}, {"streebog512", uriStreebog512}, {"sha256", uriSHA256},
}

// XML writes the validation report of ETSI TS 119 102-2 V1.3.1, unsigned: a
// SignatureValidationReport for every signature and countersignature, with the
// certificates, revocation data and time stamps that were used as validation
// objects. A report about a time stamp is that of one signature. For other
// objects the error is [ErrNotSignature].
//
// Checks are validation constraints under our own identifiers
// (urn:x-gosklyuch:check:…); a warning is a constraint that the policy
// overrides, one that was not made is disabled.
func XML(w io.Writer, in Input) error {
	if in.Report == nil {
		return ErrNoReport
	}
	x := &xmlWriter{in: in, rep: in.Report, known: map[string]bool{}}
	switch in.Report.Kind {
	case verify.KindSignature:
		for i, s := range in.Report.Signatures {
			x.signature(s, fmt.Sprintf("S-%d", i+1), 0)
		}
		if len(in.Report.Signatures) == 0 {
			x.whole()
		}
	case verify.KindTimeStamp:
		x.whole()
	default:
		return ErrNotSignature
	}
	out := xmlReport{NS: nsReport, DS: nsDS, Signatures: x.reports}
	if len(x.objects) > 0 {
		out.Objects = &xmlObjects{x.objects}
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("report: XML: %w", err)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(w)
	return err
}

// xmlWriter collects reports and the objects that they refer to.
type xmlWriter struct {
	in      Input
	rep     *verify.Report
	reports []xmlSignatureReport
	objects []*xmlObject
	known   map[string]bool
}

// whole is the report of a message without signatures, or of a time stamp by
// itself.
func (x *xmlWriter) whole() {
	r := x.rep
	out := xmlSignatureReport{
		Identifier:  &xmlIdentifier{ID: "S-1", DAID: printedName(x.in)},
		Constraints: x.constraints(r.Checks), Times: x.times(r.GenTime, ""), Document: x.document(),
		Process: &xmlProcess{uriProcess + "Basic"}, Status: x.status(&r.Outcome, r.Chain, r.Evidence),
	}
	if r.Certificate != nil {
		out.Signer = &xmlSigner{Certificate: xmlRef{x.certificate(r.Certificate)}, Name: holderName(r.Certificate)}
	}
	x.reports = append(x.reports, out)
}

// signature writes one signature and, after it, its countersignatures.
func (x *xmlWriter) signature(s *verify.Signature, id string, depth int) {
	out := xmlSignatureReport{
		Identifier: &xmlIdentifier{ID: id, DAID: printedName(x.in)}, Constraints: x.constraints(s.Checks),
		Quality: &xmlQuality{[]string{ownURI("level", s.Level), ownURI("kind", s.Kind)}},
		Process: &xmlProcess{uriProcess + process(s.Level)},
	}
	if depth == 0 { // a countersignature signs a signature value, not the document
		out.Document = x.document()
	}
	attributes, best := x.stamps(s, id)
	if !s.ClaimedTime.IsZero() {
		attributes.SigningTime = &xmlSigningTime{Signed: true, Time: xmlTime(s.ClaimedTime)}
	}
	if attributes.SigningTime != nil || len(attributes.Stamps) > 0 {
		out.Attributes = attributes
	}
	out.Times = x.times(s.BestTime, best)
	if s.Signer != nil {
		out.Signer = &xmlSigner{Certificate: xmlRef{x.certificate(s.Signer)}, Name: holderName(s.Signer)}
	}
	out.Status = x.status(&s.Outcome, s.Chain, s.Evidence)
	x.reports = append(x.reports, out)
	for i, c := range s.Counter {
		x.signature(c, fmt.Sprintf("%s-C-%d", id, i+1), depth+1)
	}
}

// process is the validation process of EN 319 102-1 that a level takes: 5.3
// without a time stamp, 5.5 with one, 5.6 with an archive time stamp.
func process(level string) string {
	switch level {
	case "t", "c", "x1", "x2", "xl":
		return "LTVM"
	case "a":
		return "LTA"
	}
	return "Basic"
}

// stampNames are the names in SignatureAttributesType of the attributes that
// hold time stamps.
var stampNames = map[string]string{
	"signature-time-stamp": "SignatureTimeStamp", "cades-c-time-stamp": "SigAndRefsTimeStamp",
	"time-stamped-certs-crls-references": "RefsOnlyTimeStamp", "content-time-stamp": "AllDataObjectsTimeStamp",
	"archive-time-stamp-v2": "ArchiveTimeStamp", "archive-time-stamp-v3": "ArchiveTimeStamp",
}

// stamps writes the time stamps of a signature as attributes and as objects
// with reports of their own. best is the object that proves BestTime.
func (x *xmlWriter) stamps(s *verify.Signature, id string) (out *xmlAttributes, best string) {
	out = &xmlAttributes{}
	for i, t := range s.TimeStamps {
		object := fmt.Sprintf("T-%s-%d", id, i+1)
		report := &xmlSignatureReport{Constraints: x.constraints(t.Checks), Times: x.times(t.GenTime, ""), Status: x.status(&t.Outcome, t.Chain, t.Evidence)}
		if t.TSA != nil {
			report.Signer = &xmlSigner{Certificate: xmlRef{x.certificate(t.TSA)}, Name: holderName(t.TSA)}
		}
		representation := xmlRepresentation{Direct: "genTime " + xmlTime(t.GenTime)}
		if t.Serial != nil {
			representation.Direct += ", serialNumber " + t.Serial.Text(16)
		}
		x.objects = append(x.objects, &xmlObject{ID: object, Type: uriObject + "timestamp", Representation: representation, Report: report})
		if t.GenTime.IsZero() {
			continue // unreadable: there is no time to give
		}
		name, ok := stampNames[t.Kind]
		if !ok {
			name = "SignatureTimeStamp"
		}
		out.Stamps = append(out.Stamps, xmlStamp{XMLName: xml.Name{Local: name}, Object: &xmlRef{object}, Value: xmlTime(t.GenTime)})
		if best == "" && t.Status == verify.Passed && t.GenTime.Equal(s.BestTime) {
			best = object
		}
	}
	return out, best
}

// times gives the time of validation and the best time; where nothing proves
// an earlier one, that is the time of validation itself (EN 319 102-1, 5.3.4).
func (x *xmlWriter) times(best time.Time, object string) *xmlTimes {
	out := &xmlTimes{Validation: xmlTime(x.rep.At), Best: xmlPOE{Time: xmlTime(x.rep.At), Type: uriProof}}
	if !best.IsZero() {
		out.Best.Time = xmlTime(best)
	}
	if object != "" {
		out.Best.Object = &xmlRef{object}
	}
	return out
}

// document is the digest of the document, if it is known.
func (x *xmlWriter) document() *xmlDocument {
	for _, d := range digestURIs {
		if v, err := hex.DecodeString(x.in.DocumentDigests[d.name]); err == nil && len(v) > 0 {
			return &xmlDocument{&xmlDigest{xmlMethod{d.uri}, binary(v)}}
		}
	}
	return nil
}

// constraints writes every check as a validation constraint.
func (x *xmlWriter) constraints(checks []verify.Check) *xmlConstraints {
	if len(checks) == 0 {
		return nil
	}
	out := &xmlConstraints{}
	for _, c := range checks {
		k := xmlConstraint{ID: ownURI("check", c.ID), Applied: uriApplied}
		k.Parameters = append(k.Parameters, xmlTyped{uriOwn + "cite", clean(c.Cite)})
		if c.Detail != "" {
			k.Parameters = append(k.Parameters, xmlTyped{uriOwn + "detail", clean(c.Detail)})
		}
		switch c.Result() {
		case "passed":
			k.Status = &xmlStatus{Main: uriMain + "passed"}
		case "warning":
			k.Applied = uriOverridden
		case "skipped":
			k.Applied = uriDisabled
		default:
			k.Status = &xmlStatus{Main: uriMain + "indeterminate", Sub: uriSub + string(c.Reason)}
			if c.Reason.Status() == verify.Failed {
				k.Status.Main = uriMain + "failed"
			}
		}
		out.Constraints = append(out.Constraints, k)
	}
	return out
}

// status is the indication with the chain and the evidence behind it.
func (x *xmlWriter) status(o *verify.Outcome, chain []*pki.Certificate, ev cms.Evidence) xmlStatus {
	out := xmlStatus{Main: uriMain + map[verify.Status]string{
		verify.Passed: "total-passed", verify.Failed: "total-failed", verify.Indeterminate: "indeterminate",
	}[o.Status]}
	if o.Reason != "" {
		out.Sub = uriSub + string(o.Reason)
	}
	data := &xmlStatusData{Related: x.evidence(ev)}
	if len(chain) > 0 {
		data.Chain = &xmlChain{Signing: xmlRef{x.certificate(chain[0])}}
		for i, c := range chain[1:] {
			ref := xmlRef{x.certificate(c)}
			// The last certificate is the anchor where the chain was accepted; where
			// it was not, none is claimed.
			if i == len(chain)-2 && o.Status == verify.Passed {
				data.Anchor, data.Chain.Anchor = &xmlRef{ref.To}, &ref
				break
			}
			data.Chain.Intermediate = append(data.Chain.Intermediate, ref)
		}
	}
	if data.Chain != nil || len(data.Related) > 0 {
		out.Data = data
	}
	return out
}

// evidence adds lists and answers to the objects and refers to them.
func (x *xmlWriter) evidence(ev cms.Evidence) []xmlRef {
	var out []xmlRef
	for _, l := range ev.CRLs {
		out = append(out, xmlRef{x.object("R", "CRL", l.Raw)})
	}
	for _, der := range ev.OCSP {
		out = append(out, xmlRef{x.object("R", "OCSPResponse", der)})
	}
	return out
}

func (x *xmlWriter) certificate(c *pki.Certificate) string {
	return x.object("C", "certificate", c.Raw)
}

// object adds a validation object once and returns its identifier, which is
// made of its SHA-256 digest.
func (x *xmlWriter) object(prefix, kind string, der []byte) string {
	sum := sha256.Sum256(der)
	id := fmt.Sprintf("%s-%X", prefix, sum)
	if x.known[id] {
		return id
	}
	x.known[id] = true
	o := &xmlObject{ID: id, Type: uriObject + kind}
	if len(der) > 0 && len(der) <= limits.ReportEmbedded {
		o.Representation.Base64 = binary(der)
	} else {
		o.Representation.Digest = &xmlDigest{xmlMethod{uriSHA256}, binary(sum[:])}
	}
	x.objects = append(x.objects, o)
	return id
}

// ownURI is an identifier of our own.
func ownURI(what, name string) string { return uriOwn + what + ":" + url.PathEscape(clean(name)) }

// binary is xs:base64Binary.
func binary(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }

// xmlTime is xs:dateTime in UTC.
func xmlTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// printedName names the signature's file for DAIdentifier, or the document's.
func printedName(in Input) string {
	if in.SignatureName != "" {
		return clean(in.SignatureName)
	}
	return clean(in.DocumentName)
}

// holderName is who stands in a certificate, in one line.
func holderName(c *pki.Certificate) string {
	h := c.Subject.Holder()
	switch {
	case h.Person != "" && h.Organization != "" && h.Person != h.Organization:
		return clean(h.Person + ", " + h.Organization)
	case h.Person != "":
		return clean(h.Person)
	case h.Organization != "":
		return clean(h.Organization)
	}
	return clean(c.Subject.String())
}
