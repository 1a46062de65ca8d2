package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Proof shows, without the journal, that a record stands in its place in a
// chain whose end an authority signed.
type Proof struct {
	// Record is the record. Values that the holder of the proof is not to
	// see are taken out by [Record.Erase]; the proof holds without them.
	Record Record
	// Path are the digests beside the way from the record's leaf up to the
	// root, from below: the audit path of RFC 6962, section 2.1.1.
	Path []Digest
	// Heads name the root.
	Heads SignedHeads
	// Certificate is the authority's, in DER, so that a reader may look at it.
	// Nothing follows from its being here; see [Proof.Verify].
	Certificate []byte
}

// What Prove and Verify answer.
var (
	// ErrNotCovered: the signed heads were made before the record.
	ErrNotCovered = errors.New("journal: the signed heads do not cover the record")
	// ErrProof: the record does not lead to the signed root.
	ErrProof = errors.New("journal: the proof does not hold")
	// ErrAuthority: the heads name another authority's certificate.
	ErrAuthority = errors.New("journal: the heads are those of another authority")
)

// Prove reads the first records of a chain up to the end that the heads state,
// checks them on the way, and returns the proof for record number seq, without
// a certificate. The error is a *[DamageError] for a damaged chain and
// [ErrNotCovered] where the heads do not reach the record. The heads'
// signature is not checked; see [SignedHeads.Verify].
func Prove(records iter.Seq2[Record, error], node string, seq uint64, heads SignedHeads) (Proof, error) {
	chain, ok := heads.Chain(node)
	if !ok || seq == 0 || seq > chain.Seq {
		return Proof{}, ErrNotCovered
	}
	p := Proof{Heads: heads}
	path := newPathBuilder(seq - 1)
	covered := func(yield func(Record, error) bool) {
		for r, err := range records {
			if err == nil && r.Seq == seq {
				p.Record = r
			}
			if !yield(r, err) {
				return
			}
			path.add(r.Hash)
			if err == nil && r.Seq >= chain.Seq {
				return
			}
		}
	}
	if _, err := Verify(covered, chain.Head); err != nil {
		return Proof{}, err
	}
	if path.tree.Root() != chain.Root {
		// The digest of the last record is the signed one, so the records are.
		return Proof{}, fmt.Errorf("%w: chain %s: the root is not that of its records", ErrHeads, node)
	}
	p.Path, _ = path.finish()
	return p, nil
}

// Verify checks that the record is intact, that its path leads to the root in
// the heads, and that the heads are the authority's ([SignedHeads.VerifyBy]).
// That the certificate is trusted is for the caller to know; whether it is still
// valid is not looked at. The error wraps [ErrProof], [ErrAuthority],
// [ErrHeads] or [ErrHeadsSignature].
func (p Proof) Verify(authority *pki.Certificate) error {
	if err := p.Heads.VerifyBy(authority); err != nil {
		return err
	}
	if !p.Record.Intact() {
		return fmt.Errorf("%w: the record was changed", ErrProof)
	}
	chain, ok := p.Heads.Chain(p.Record.Node)
	if !ok || p.Record.Seq == 0 || p.Record.Seq > chain.Seq {
		return fmt.Errorf("%w: %w", ErrProof, ErrNotCovered)
	}
	root, ok := rootFromPath(p.Record.Hash, p.Record.Seq-1, chain.Seq, p.Path)
	if !ok || root != chain.Root {
		return fmt.Errorf("%w: the path does not lead to the signed root", ErrProof)
	}
	return nil
}

// proofType tells a proof from other JSON files.
const proofType = "gosklyuch journal proof"

// proofJSON is the JSON form of a proof.
type proofJSON struct {
	Type        string      `json:"type"`
	Version     int         `json:"v"`
	Record      Record      `json:"record"`
	Path        []Digest    `json:"path"`
	Heads       SignedHeads `json:"heads"`
	Certificate []byte      `json:"certificate,omitempty"`
}

// MarshalJSON implements json.Marshaler: the form that [ParseProof] reads.
func (p Proof) MarshalJSON() ([]byte, error) {
	path := p.Path
	if path == nil {
		path = []Digest{}
	}
	return json.Marshal(proofJSON{proofType, lineVersion, p.Record, path, p.Heads, p.Certificate})
}

// UnmarshalJSON implements json.Unmarshaler by [ParseProof].
func (p *Proof) UnmarshalJSON(data []byte) (err error) {
	*p, err = ParseProof(data)
	return err
}

// ParseProof reads a proof in its JSON form. Nothing is verified; see
// [Proof.Verify].
func ParseProof(data []byte) (Proof, error) {
	if len(data) > limits.JournalProof {
		return Proof{}, fmt.Errorf("journal: proof: larger than %d octets", limits.JournalProof)
	}
	var in struct {
		proofJSON
		Record *Record      `json:"record"` // left out is not the same as empty
		Heads  *SignedHeads `json:"heads"`
	}
	if err := decodeOne(data, &in); err != nil {
		return Proof{}, fmt.Errorf("journal: proof: %w", err)
	}
	if in.Type != proofType || in.Version != lineVersion {
		return Proof{}, fmt.Errorf("journal: proof: type %q version %d; this program knows %q version %d", in.Type, in.Version, proofType, lineVersion)
	}
	if len(in.Path) > limits.JournalPath {
		return Proof{}, fmt.Errorf("journal: proof: a path of more than %d digests", limits.JournalPath)
	}
	if in.Record == nil || in.Heads == nil {
		return Proof{}, errors.New("journal: proof: no record or no heads")
	}
	return Proof{*in.Record, in.Path, *in.Heads, in.Certificate}, nil
}
