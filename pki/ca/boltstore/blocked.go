package boltstore

import (
	"bytes"
	"iter"
)

// BlockedKeys implements [ca.ReadTx].
func (t readTx) BlockedKeys() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		c := t.bucket(blockedBucket).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if !yield(bytes.Clone(k), nil) {
				return
			}
		}
	}
}
