package boltstore

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/gosklyuch/gosklyuch/internal/jsonout"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// encodeEntry returns the JSON of an entry, octet by octet what encoding/json
// makes of it. Every certificate is written once and most never again, so the
// form of one that is valid is put together here.
func encodeEntry(e ca.Entry) ([]byte, error) {
	if e.Status != ca.Valid || !e.RevokedAt.IsZero() || e.Reason != 0 || !e.InvalidityDate.IsZero() || e.DroppedAfter != 0 {
		return marshal("entry", e)
	}
	var err error
	b := make([]byte, 0, 256+len(e.Profile)+len(e.Subject)+2*len(e.KeyID))
	b = append(append(append(b, `{"serial":"`...), e.Serial.String()...), `","profile":`...)
	b = append(jsonout.String(b, e.Profile), `,"subject":`...)
	b = append(jsonout.String(b, e.Subject), `,"keyId":`...)
	b = append(jsonout.Base64(b, e.KeyID), `,"notBefore":`...)
	if b, err = jsonout.Time(b, e.NotBefore); err != nil {
		return nil, fmt.Errorf("boltstore: entry: %w", err)
	}
	if b, err = jsonout.Time(append(b, `,"notAfter":`...), e.NotAfter); err != nil {
		return nil, fmt.Errorf("boltstore: entry: %w", err)
	}
	if b, err = jsonout.Time(append(b, `,"issuedAt":`...), e.IssuedAt); err != nil {
		return nil, fmt.Errorf("boltstore: entry: %w", err)
	}
	return append(jsonout.String(append(b, `,"status":`...), string(e.Status)), '}'), nil
}

// encodeRequest is encodeEntry for a request; the form of one that somebody
// decided about is left to encoding/json.
func encodeRequest(e ca.RequestEntry) ([]byte, error) {
	if e.Renewal != nil || e.Renews != (ca.Serial{}) || e.Submission != nil || len(e.Approvals) > 0 || e.Note != "" {
		return marshal("request", e)
	}
	var err error
	b := make([]byte, 0, 512+len(e.Profile)+len(e.Submitter)+2*len(e.CSR))
	b = append(jsonout.String(append(b, `{"id":`...), e.ID), `,"version":`...)
	b = append(strconv.AppendUint(b, e.Version, 10), `,"state":`...)
	b = append(jsonout.String(b, string(e.State)), `,"profile":`...)
	b = append(jsonout.String(b, e.Profile), `,"profileDigest":`...)
	b = jsonout.String(b, e.ProfileDigest)
	if e.Days != 0 {
		b = strconv.AppendInt(append(b, `,"days":`...), int64(e.Days), 10)
	}
	b = strconv.AppendInt(append(b, `,"identificationKind":`...), int64(e.IdentificationKind), 10)
	b = append(jsonout.Base64(append(b, `,"csr":`...), e.CSR), `,"submitter":`...)
	b = append(jsonout.String(b, e.Submitter), `,"created":`...)
	if b, err = jsonout.Time(b, e.Created); err != nil {
		return nil, fmt.Errorf("boltstore: request: %w", err)
	}
	if b, err = jsonout.Time(append(b, `,"updated":`...), e.Updated); err != nil {
		return nil, fmt.Errorf("boltstore: request: %w", err)
	}
	if e.Serial != (ca.Serial{}) {
		b = append(append(append(b, `,"serial":"`...), e.Serial.String()...), '"')
	}
	return append(b, '}'), nil
}

// marshal is for what is written seldom.
func marshal(what string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("boltstore: %s: %w", what, err)
	}
	return b, nil
}
