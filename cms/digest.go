package cms

import (
	"hash"
	"io"
	"sync"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

const (
	// chunk is how much content is read, hashed and written at a time: large
	// enough that the calls cost nothing, small enough to stay in the cache.
	chunk = 256 << 10

	// chunks is how many chunks are in flight between reading and hashing.
	chunks = 4

	// firstChunk is how much is read first: a short document, and most are,
	// should not cost the clearing of a long buffer.
	firstChunk = 8 << 10

	// headLength is how much of the beginning of the content is remembered.
	headLength = 64
)

// digestOID returns the digest that id names. An identifier of a signature
// stands for its digest: some producers write it into digestAlgorithm.
func digestOID(id alg.Identifier) oid.OID {
	if d, ok := alg.SignatureDigest(id); ok {
		return d.OID
	}
	return id.OID
}

// digester hashes content by several algorithms in one pass.
type digester struct {
	ids    []oid.OID
	hashes []hash.Hash
	head   []byte // the first headLength octets of the content
	n      int64
}

// newDigester makes a digester for the algorithms of list that are known, each
// once.
func newDigester(list []alg.Identifier) *digester {
	d := new(digester)
	seen := make(map[oid.OID]bool)
	for _, id := range list {
		o := digestOID(id)
		if seen[o] {
			continue
		}
		seen[o] = true
		if h, err := alg.NewHash(alg.Identifier{OID: o}); err == nil {
			d.ids = append(d.ids, o)
			d.hashes = append(d.hashes, h)
		}
	}
	return d
}

// sums returns the digests by algorithm.
func (d *digester) sums() map[oid.OID][]byte {
	out := make(map[oid.OID][]byte, len(d.ids))
	for i, o := range d.ids {
		out[o] = d.hashes[i].Sum(nil)
	}
	return out
}

// consume hashes p and writes it to w. Several algorithms run side by side.
func (d *digester) consume(w io.Writer, p []byte) error {
	if room := headLength - len(d.head); room > 0 {
		d.head = append(d.head, p[:min(room, len(p))]...)
	}
	d.n += int64(len(p))
	var wg sync.WaitGroup
	for i, h := range d.hashes {
		if i == len(d.hashes)-1 && w == nil {
			h.Write(p)
			break
		}
		if len(p) < chunk/16 {
			h.Write(p)
			continue
		}
		wg.Go(func() { h.Write(p) })
	}
	var err error
	if w != nil {
		_, err = w.Write(p)
	}
	wg.Wait()
	return err
}

// copy reads r to its end, hashes it and writes it to w, which may be nil.
// Reading, with the decoding it may involve, overlaps with hashing.
func (d *digester) copy(w io.Writer, r io.Reader) error {
	size := firstChunk
	if s, ok := r.(interface{ Len() int }); ok && s.Len() < size {
		size = max(s.Len(), 0) + 1 // one more, to meet the end
	}
	first := make([]byte, size)
	n, err := io.ReadFull(r, first)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return d.last(w, r, first[:n])
	}
	if err != nil {
		return err
	}
	whole := make([]byte, chunk)
	copy(whole, first)
	n, err = io.ReadFull(r, whole[size:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return d.last(w, r, whole[:size+n])
	}
	if err != nil {
		return err
	}
	return d.pump(w, r, whole)
}

// last consumes content that ended within its first chunk. io.ReadFull turns
// an early end into io.ErrUnexpectedEOF, as a cut-off message does itself: one
// more Read tells them apart.
func (d *digester) last(w io.Writer, r io.Reader, p []byte) error {
	if _, err := r.Read(make([]byte, 1)); err != nil && err != io.EOF {
		return err
	}
	return d.consume(w, p)
}

// piece is one chunk on its way from the reader to the hashes.
type piece struct {
	buf []byte
	err error
}

// pump moves r through the hashes, reading ahead in a goroutine of its own. It
// returns only when that has ended, so the caller may use r again.
func (d *digester) pump(w io.Writer, r io.Reader, first []byte) error {
	free := make(chan []byte, chunks)
	full := make(chan piece, chunks)
	for range chunks - 1 {
		free <- make([]byte, chunk)
	}
	go readAhead(r, free, full)
	err := d.consume(w, first)
	free <- first
	for p := range full {
		if err == nil && len(p.buf) > 0 {
			err = d.consume(w, p.buf)
		}
		if err == nil {
			err = p.err
		}
		if err != nil {
			break
		}
		free <- p.buf[:chunk]
	}
	close(free)
	for range full { // until the goroutine has ended
	}
	return err
}

// readAhead fills the buffers of free from r and sends them, until r or free ends.
func readAhead(r io.Reader, free <-chan []byte, full chan<- piece) {
	defer close(full)
	for buf := range free {
		n := 0
		var err error
		for n < len(buf) && err == nil {
			var got int
			got, err = r.Read(buf[n:])
			n += got
		}
		switch {
		case err == io.EOF:
			full <- piece{buf: buf[:n]}
			return
		case err != nil:
			full <- piece{buf: buf[:n], err: err}
			return
		}
		full <- piece{buf: buf}
	}
}
