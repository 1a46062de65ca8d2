package journal

import (
	"crypto"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// headsDomain separates signed heads from everything else that a key of an
// authority signs: a certificate, a CRL and signed attributes begin with the
// octets 30 or 31.
const headsDomain = "gosklyuch journal heads v2\x00\x00\x00\x00\x00\x00"

// ChainHead is the end of one chain in signed heads.
type ChainHead struct {
	Head
	// Root is the root of the Merkle tree over the chain's first Seq records.
	Root Digest
	// peaks are those of that tree, by which the next signed heads need only
	// the records in between. Root follows from them.
	peaks []Digest
}

// NewChainHead returns the end of a chain together with its tree, whose size
// must be the head's number.
func NewChainHead(h Head, t Tree) (ChainHead, error) {
	if t.size != h.Seq {
		return ChainHead{}, fmt.Errorf("journal: a tree of %d records for a chain of %d", t.size, h.Seq)
	}
	return ChainHead{Head: h, Root: t.Root(), peaks: slices.Clone(t.peaks)}, nil
}

// Tree returns the Merkle tree over the chain's records, ready to grow.
func (c ChainHead) Tree() Tree { return Tree{c.Seq, slices.Clone(c.peaks)} }

// Heads is a statement about the ends of all chains of a journal at a time.
//
// Its canonical encoding, which is what is signed, is, in the notation of the
// package comment:
//
//	domain     the 26 octets "gosklyuch journal heads v2" and six zero octets
//	number     8 octets: 1 for the first statement, then without gaps
//	time       8 octets, as in a record
//	prev       32 octets: Streebog-256 of the canonical encoding of the
//	           statement before, zero for the first
//	authority  32 octets: Streebog-256 of the authority's DER certificate
//	count      4 octets: number of chains, then for each, ordered by the
//	           octets of its name:
//	  node     text
//	  seq      8 octets
//	  hash     32 octets: digest of the last record, zero for an empty chain
//	  root     32 octets: root of the Merkle tree, see [Tree]
type Heads struct {
	Number    uint64
	Time      time.Time
	Prev      Digest
	Authority Digest
	// Chains are ordered by name.
	Chains []ChainHead
}

// SignedHeads are heads with a signature over their canonical encoding.
type SignedHeads struct {
	Heads
	// Algorithm is the signature's AlgorithmIdentifier in DER.
	Algorithm []byte
	// Signature is in the form that the algorithm has in certificates.
	Signature []byte
}

// What Verify finds out about signed heads.
var (
	// ErrHeadsSignature: the signature is not the key's.
	ErrHeadsSignature = errors.New("journal: the signature of the heads does not hold")
	// ErrHeads: the heads contradict themselves.
	ErrHeads = errors.New("journal: the heads are malformed")
)

// Chain returns the head of a chain and whether the statement names it.
func (h Heads) Chain(node string) (ChainHead, bool) {
	i, ok := slices.BinarySearchFunc(h.Chains, node, func(c ChainHead, n string) int { return strings.Compare(c.Node, n) })
	if !ok {
		return ChainHead{}, false
	}
	return h.Chains[i], true
}

// Canonical returns the octets that are signed.
func (h Heads) Canonical() []byte {
	b := make([]byte, 0, 256)
	b = append(b, headsDomain...)
	b = binary.BigEndian.AppendUint64(b, h.Number)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Time.UnixNano()))
	b = append(b, h.Prev[:]...)
	b = append(b, h.Authority[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.Chains)))
	for _, c := range h.Chains {
		b = appendText(b, c.Node)
		b = binary.BigEndian.AppendUint64(b, c.Seq)
		b = append(b, c.Hash[:]...)
		b = append(b, c.Root[:]...)
	}
	return b
}

// Digest returns the Streebog-256 digest of the canonical encoding, which the
// next heads carry as Prev.
func (h Heads) Digest() Digest { return streebog.Sum256(h.Canonical()) }

// check holds what the canonical encoding relies on, and that each root is the
// one of its peaks.
func (h Heads) check() error {
	if y := h.Time.UTC().Year(); h.Number == 0 || y < 1679 || y > 2261 {
		return fmt.Errorf("%w: number or time", ErrHeads)
	}
	if h.Number == 1 != (h.Prev == Digest{}) {
		return fmt.Errorf("%w: prev", ErrHeads)
	}
	if len(h.Chains) > limits.JournalChains {
		return fmt.Errorf("%w: more than %d chains", ErrHeads, limits.JournalChains)
	}
	for i, c := range h.Chains {
		if err := CheckNode(c.Node); err != nil {
			return err
		}
		if i > 0 && c.Node <= h.Chains[i-1].Node {
			return fmt.Errorf("%w: the chains are not in order", ErrHeads)
		}
		if c.Seq == 0 && c.Hash != (Digest{}) || len(c.peaks) != bits.OnesCount64(c.Seq) || c.Tree().Root() != c.Root {
			return fmt.Errorf("%w: chain %s: hash, root and peaks do not belong together", ErrHeads, c.Node)
		}
	}
	return nil
}

// Sign returns the heads signed with an authority's key, by the algorithm that
// belongs to it; rand as in [alg.SignMessage]. The signature is verified before
// it is returned.
func (h Heads) Sign(rand io.Reader, key crypto.Signer) (SignedHeads, error) {
	if err := h.check(); err != nil {
		return SignedHeads{}, err
	}
	id := alg.SignatureForKey(key.Public())
	sig, err := alg.SignMessage(rand, key, id, h.Canonical())
	if err != nil {
		return SignedHeads{}, fmt.Errorf("journal: heads: %w", err)
	}
	h.Time = time.Unix(0, h.Time.UnixNano()).UTC()
	s := SignedHeads{Heads: h, Algorithm: id.DER(), Signature: sig}
	return s, s.Verify(key.Public())
}

// Verify checks the heads' own consistency and the signature against an
// authority's public key. That the key is the authority's is for the caller to
// know. The error wraps [ErrHeads] or [ErrHeadsSignature].
func (s SignedHeads) Verify(pub crypto.PublicKey) error {
	if err := s.check(); err != nil {
		return err
	}
	id, err := alg.ParseIdentifier(s.Algorithm)
	if err != nil {
		return fmt.Errorf("%w: algorithm: %w", ErrHeads, err)
	}
	if err := alg.VerifyMessage(pub, id, alg.Identifier{}, s.Canonical(), s.Signature); err != nil {
		return fmt.Errorf("%w: %w", ErrHeadsSignature, err)
	}
	return nil
}

// VerifyBy checks the heads as Verify does, that they name the authority's
// certificate, and that they were signed, by their own time, while it was
// valid: an authority signs at no other time. Whether it is revoked is not
// looked at. The error wraps [ErrHeads], [ErrAuthority] or
// [ErrHeadsSignature].
func (s SignedHeads) VerifyBy(authority *pki.Certificate) error {
	if s.Authority != AuthorityDigest(authority) {
		return ErrAuthority
	}
	if authority.PublicKey == nil {
		return fmt.Errorf("%w: %w", ErrHeadsSignature, authority.PublicKeyError)
	}
	if err := s.Verify(authority.PublicKey); err != nil {
		return err
	}
	// RFC 5280, section 4.1.2.5: "the period of time from notBefore through
	// notAfter, inclusive"; both are whole seconds.
	if at := s.Time.Truncate(time.Second); at.Before(authority.NotBefore) || at.After(authority.NotAfter) {
		return fmt.Errorf("%w: time: %s is outside the validity period of the authority's certificate", ErrHeads, s.Time.UTC().Format(time.RFC3339))
	}
	return nil
}

// headsJSON is the JSON form of signed heads.
type headsJSON struct {
	Version   int         `json:"v"`
	Number    uint64      `json:"number"`
	Time      string      `json:"time"`
	Prev      Digest      `json:"prev"`
	Authority Digest      `json:"authority"`
	Chains    []chainJSON `json:"chains"`
	Algorithm []byte      `json:"algorithm"`
	Signature []byte      `json:"signature"`
}

type chainJSON struct {
	Head
	Root  Digest   `json:"root"`
	Peaks []Digest `json:"peaks"`
}

// MarshalJSON implements json.Marshaler: the form that [ParseSignedHeads] reads.
func (s SignedHeads) MarshalJSON() ([]byte, error) {
	out := headsJSON{
		Version: lineVersion, Number: s.Number, Time: s.Time.UTC().Format(time.RFC3339Nano), Prev: s.Prev, Authority: s.Authority,
		Chains: make([]chainJSON, len(s.Chains)), Algorithm: s.Algorithm, Signature: s.Signature,
	}
	for i, c := range s.Chains {
		out.Chains[i] = chainJSON{c.Head, c.Root, c.peaks}
	}
	return json.Marshal(out)
}

// UnmarshalJSON implements json.Unmarshaler by [ParseSignedHeads].
func (s *SignedHeads) UnmarshalJSON(data []byte) (err error) {
	*s, err = ParseSignedHeads(data)
	return err
}

// ParseSignedHeads reads signed heads in their JSON form. It checks that they
// do not contradict themselves, and not the signature; see [SignedHeads.Verify].
func ParseSignedHeads(data []byte) (SignedHeads, error) {
	if len(data) > limits.JournalHeads {
		return SignedHeads{}, fmt.Errorf("%w: larger than %d octets", ErrHeads, limits.JournalHeads)
	}
	var in headsJSON
	if err := decodeOne(data, &in); err != nil {
		return SignedHeads{}, fmt.Errorf("%w: %w", ErrHeads, err)
	}
	if in.Version != lineVersion {
		return SignedHeads{}, fmt.Errorf("%w: version %d; this program knows %d", ErrHeads, in.Version, lineVersion)
	}
	t, err := time.Parse(time.RFC3339Nano, in.Time)
	if err != nil {
		return SignedHeads{}, fmt.Errorf("%w: time: %w", ErrHeads, err)
	}
	if len(in.Signature) > limits.JournalSignature || len(in.Algorithm) > limits.JournalSignature {
		return SignedHeads{}, fmt.Errorf("%w: signature: longer than %d octets", ErrHeads, limits.JournalSignature)
	}
	s := SignedHeads{
		Heads:     Heads{Number: in.Number, Time: t.UTC(), Prev: in.Prev, Authority: in.Authority},
		Algorithm: in.Algorithm, Signature: in.Signature,
	}
	for _, c := range in.Chains {
		s.Chains = append(s.Chains, ChainHead{c.Head, c.Root, c.Peaks})
	}
	return s, s.check()
}
