package ceremony

import (
	"crypto/sha512"
	"encoding/binary"
	"io"
)

// stream is what a step of a ceremony reads where random octets are asked for:
// SHA-512 in counter mode over the plan's digest, the step, a number within it
// and the digest of what the step was given. The same plan makes the same
// serial numbers, and no two steps share one.
//
// It is public, and no secret is ever made from it. Keys come from crypto/rand,
// and so do the salts of containers and journals. A signature of GOST R
// 34.10-2012 takes octets from here as additional input only: its nonce is
// HMAC-SHA-512 under the private key over these octets and the digest (package
// gost3410), which is a pseudorandom function of the message for everybody
// without the key, as in RFC 6979, section 3.6. Known additional input leaves
// it as strong as none.
type stream struct {
	seed    [sha512.Size]byte
	counter uint64
	rest    []byte
}

const streamLabel = "GosKlyuch key ceremony stream 1"

func newStream(plan Digest, step, index int, input []byte) io.Reader {
	given := DigestOf(input)
	h := sha512.New()
	h.Write([]byte(streamLabel))
	h.Write(plan.SHA256[:])
	h.Write(plan.Streebog256[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(index)))
	h.Write(given.SHA256[:])
	s := new(stream)
	h.Sum(s.seed[:0])
	return s
}

// Read implements io.Reader; it never fails.
func (s *stream) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		if len(s.rest) == 0 {
			sum := sha512.Sum512(binary.BigEndian.AppendUint64(s.seed[:], s.counter))
			s.rest = sum[:]
			s.counter++
		}
		k := copy(p[n:], s.rest)
		s.rest = s.rest[k:]
		n += k
	}
	return len(p), nil
}

// random returns the stream of the present step.
func (r *run) random(index int, input []byte) io.Reader {
	return newStream(r.plan.digest, r.step, index, input)
}
