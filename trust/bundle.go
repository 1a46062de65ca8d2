package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

var (
	// ErrNotBundle says that the message is no bundle of anchors.
	ErrNotBundle = errors.New("trust: not a bundle of anchors")
	// ErrRollback says that a list or bundle is older than the one that the
	// store has from the same origin.
	ErrRollback = errors.New("trust: older than what was imported before")
)

// bundleFormat marks the content of a bundle: whoever signs another document
// with the same key does not sign a bundle.
const bundleFormat = "gosklyuch-trust-bundle/1"

// Bundle is a set of anchors for places without a network. It travels as the
// content of a signed message (CMS SignedData, attached), whose signer the
// receiver has pinned.
type Bundle struct {
	// Serial grows from one bundle of an origin to the next; a store refuses to
	// go back.
	Serial  int64
	Date    time.Time // of its making, to the second
	Anchors []*pki.Certificate

	Signer, Pinned, Digest string // as in List; empty before it was read

	pin *pki.Certificate
}

// bundleJSON is the content: the anchors ordered by their octets.
type bundleJSON struct {
	Format  string    `json:"format"`
	Serial  int64     `json:"serial"`
	Date    time.Time `json:"date"`
	Anchors [][]byte  `json:"anchors"` // DER, in Base64
}

// Encode returns the content that is to be signed. Equal bundles have equal
// octets.
func (b *Bundle) Encode() ([]byte, error) {
	if b.Serial <= 0 || len(b.Anchors) == 0 || len(b.Anchors) > limits.TrustAnchors {
		return nil, fmt.Errorf("trust: a bundle has a serial above 0 and 1 to %d anchors", limits.TrustAnchors)
	}
	v := bundleJSON{Format: bundleFormat, Serial: b.Serial, Date: b.Date.UTC().Truncate(time.Second)}
	for _, c := range b.Anchors {
		v.Anchors = append(v.Anchors, c.Raw)
	}
	slices.SortFunc(v.Anchors, bytes.Compare)
	v.Anchors = slices.CompactFunc(v.Anchors, bytes.Equal)
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	return append(out, '\n'), nil
}

// parseBundle reads the content of a bundle.
func parseBundle(content []byte) (*Bundle, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	var v bundleJSON
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBundle, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: text after the end", ErrNotBundle)
	}
	switch {
	case v.Format != bundleFormat:
		return nil, fmt.Errorf("%w: format %q", ErrNotBundle, v.Format)
	case v.Serial <= 0 || v.Date.IsZero():
		return nil, fmt.Errorf("%w: serial or date is missing", ErrNotBundle)
	case len(v.Anchors) == 0 || len(v.Anchors) > limits.TrustAnchors:
		return nil, fmt.Errorf("%w: %d anchors", ErrNotBundle, len(v.Anchors))
	}
	b := &Bundle{Serial: v.Serial, Date: v.Date.UTC()}
	for i, der := range v.Anchors {
		c, err := pki.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: anchors[%d]: %w", ErrNotBundle, i, err)
		}
		b.Anchors = append(b.Anchors, c)
	}
	return b, nil
}

// ReadBundle reads a signed bundle and accepts it if exactly one signer signed
// it, its signature verifies and a pinned certificate vouches for the signer at
// the moment at (see Pins).
func ReadBundle(ctx context.Context, data []byte, pins *Pins, at time.Time) (*Bundle, error) {
	if len(data) > limits.TrustBundle {
		return nil, fmt.Errorf("%w: more than %d octets", ErrNotBundle, limits.TrustBundle)
	}
	var content bytes.Buffer
	sd, err := cms.ReadSigned(bytes.NewReader(data), &content, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBundle, err)
	}
	if sd.Detached || len(sd.Signers) != 1 {
		return nil, fmt.Errorf("%w: a message with its content and one signer is wanted", ErrNotBundle)
	}
	carried := sd.Certificates
	candidates := sd.Candidates(sd.Signers[0])
	for _, c := range pins.pinned(carried) {
		if sd.Signers[0].Matches(c) {
			candidates = append(candidates, c)
		}
	}
	failed := ErrSigner
	for _, c := range candidates[:min(len(candidates), limits.SignerCandidates)] {
		pin, err := pins.vouch(ctx, c, carried, at)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if _, err := sd.CheckSigner(0, c); err != nil {
			failed = fmt.Errorf("%w: %w", ErrInvalid, err)
			continue
		}
		b, err := parseBundle(content.Bytes())
		if err != nil {
			return nil, err
		}
		b.Signer, b.Pinned, b.pin = fingerprint(c), fingerprint(pin), pin
		b.Digest, err = digest(content.Bytes())
		return b, err
	}
	return nil, failed
}
