package boltstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// journalKey returns the place of a record. The zero octet cannot stand in the
// name of a node, so that no chain lies within another.
func journalKey(node string, seq uint64) []byte {
	b := make([]byte, 0, len(node)+9)
	return binary.BigEndian.AppendUint64(append(append(b, node...), 0), seq)
}

// Heads implements [ca.ReadTx].
func (t readTx) Heads() (map[string]journal.Head, error) {
	out := map[string]journal.Head{}
	c := t.bucket(headBucket).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		h, err := decodeHead(string(k), v)
		if err != nil {
			return nil, err
		}
		out[h.Node] = h
	}
	// A chain whose head somebody took away is not one without records.
	c = t.bucket(journalBucket).Cursor()
	for k, _ := c.First(); k != nil; {
		node, _, ok := bytes.Cut(k, []byte{0})
		if !ok {
			return nil, fmt.Errorf("boltstore: journal %q: not the place of a record", k)
		}
		if _, ok := out[string(node)]; !ok {
			out[string(node)] = journal.Head{Node: string(node)}
		}
		k, _ = c.Seek(append(bytes.Clone(node), 1)) // behind the chain
	}
	return out, nil
}

// decodeHead reads the head of a node; nil is that of an empty chain.
func decodeHead(node string, v []byte) (journal.Head, error) {
	h := journal.Head{Node: node}
	if v == nil {
		return h, nil
	}
	if len(v) != 8+len(h.Hash) {
		return h, fmt.Errorf("boltstore: the head of the chain %q has %d octets", node, len(v))
	}
	h.Seq = binary.BigEndian.Uint64(v)
	copy(h.Hash[:], v[8:])
	return h, nil
}

// Journal implements [ca.ReadTx].
func (t readTx) Journal(node string, after uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if after == ^uint64(0) {
			return
		}
		c := t.bucket(journalBucket).Cursor()
		chain := journalKey(node, 0)[:len(node)+1]
		for k, v := c.Seek(journalKey(node, after+1)); bytes.HasPrefix(k, chain); k, v = c.Next() {
			r, err := decodeRecord(k, v)
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func decodeRecord(k, v []byte) (journal.Record, error) {
	r, err := journal.ParseRecord(v)
	if err == nil && !bytes.Equal(k, journalKey(r.Node, r.Seq)) {
		err = fmt.Errorf("boltstore: journal %q: the record is number %d of %s", k, r.Seq, r.Node)
	}
	return r, err
}

// LastSignedHeads implements [ca.ReadTx].
func (t readTx) LastSignedHeads() (journal.SignedHeads, error) {
	k, v := t.bucket(signedHeadsBucket).Cursor().Last()
	if k == nil {
		return journal.SignedHeads{}, ca.ErrNotFound
	}
	return decodeSignedHeads(k, v)
}

func decodeSignedHeads(k, v []byte) (journal.SignedHeads, error) {
	h, err := journal.ParseSignedHeads(v)
	if err == nil && !bytes.Equal(k, number(h.Number)) {
		err = fmt.Errorf("boltstore: heads %x: their number is %d", k, h.Number)
	}
	return h, err
}

// SignedHeads implements [ca.ReadTx].
func (t readTx) SignedHeads(after uint64) iter.Seq2[journal.SignedHeads, error] {
	return func(yield func(journal.SignedHeads, error) bool) {
		if after == ^uint64(0) {
			return
		}
		c := t.bucket(signedHeadsBucket).Cursor()
		for k, v := c.Seek(number(after + 1)); k != nil; k, v = c.Next() {
			h, err := decodeSignedHeads(k, v)
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// Append implements [ca.Tx].
func (t *writeTx) Append(e journal.Entry) (journal.Record, error) {
	if t.head == nil {
		head, err := decodeHead(t.node, t.bucket(headBucket).Get([]byte(t.node)))
		if err != nil {
			return journal.Record{}, err
		}
		t.head = &head
	}
	r, err := t.head.Next(e)
	if err != nil {
		return journal.Record{}, err
	}
	if err := t.putRecord(r); err != nil {
		return journal.Record{}, err
	}
	*t.head, t.recorded = r.Head(), true
	return r, nil
}

// flushHead writes the head of the chain: once, however many records there are.
func (t *writeTx) flushHead() error {
	if t.head == nil || t.head.Seq == 0 {
		return nil
	}
	if err := t.bucket(headBucket).Put([]byte(t.head.Node), append(number(t.head.Seq), t.head.Hash[:]...)); err != nil {
		return fmt.Errorf("boltstore: journal: %w", err)
	}
	return nil
}

// Heads implements [ca.ReadTx]; the transaction sees its own records.
func (t *writeTx) Heads() (map[string]journal.Head, error) {
	if err := t.flushHead(); err != nil {
		return nil, err
	}
	return t.readTx.Heads()
}

// putRecord writes a record; whether that is a change beside the journal is
// for the caller to say.
func (t *writeTx) putRecord(r journal.Record) error {
	line, err := r.Line()
	if err != nil {
		return fmt.Errorf("boltstore: journal: %w", err)
	}
	if err := t.bucket(journalBucket).Put(journalKey(r.Node, r.Seq), line); err != nil {
		return fmt.Errorf("boltstore: journal: %w", err)
	}
	return nil
}

// Erase implements [ca.Tx].
func (t *writeTx) Erase(node string, seq uint64, fields ...string) (journal.Record, error) {
	k := journalKey(node, seq)
	v := t.bucket(journalBucket).Get(k)
	if v == nil {
		return journal.Record{}, ca.ErrNotFound
	}
	r, err := decodeRecord(k, v)
	if err != nil {
		return journal.Record{}, err
	}
	if !r.Intact() { // what was tampered with is evidence
		return journal.Record{}, &journal.DamageError{Kind: journal.Changed, Node: node, Seq: seq, Position: seq}
	}
	if r, err = r.Erase(fields...); err != nil {
		return journal.Record{}, err
	}
	t.changed = true // an erasure is put on record too
	return r, t.putRecord(r)
}

// AddSignedHeads implements [ca.Tx].
func (t *writeTx) AddSignedHeads(h journal.SignedHeads) error {
	last, err := t.LastSignedHeads()
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	if h.Number != last.Number+1 {
		return ca.ErrHeadsNumber
	}
	v, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("boltstore: heads: %w", err)
	}
	return t.put(signedHeadsBucket, number(h.Number), v)
}
