package boltstore_test

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
)

// BenchmarkAdd puts certificates of subscribers on a ledger, 512 in a
// transaction as bulk issue does: what the ledger costs without the signatures.
func BenchmarkAdd(b *testing.B) {
	l, err := boltstore.Open(b.Context(), filepath.Join(b.TempDir(), ca.LedgerFile))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the figures are there
	now := time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC)
	der := make([]byte, 1100)
	add := func(tx ca.Tx, n int) error {
		s, err := ca.NewSerial(rand.Reader)
		if err != nil {
			return err
		}
		at := now.Add(time.Duration(n) * time.Second)
		e := ca.Entry{
			Serial: s, Profile: "citizen@1", KeyID: s[:], NotBefore: at, NotAfter: at.AddDate(1, 3, 0), IssuedAt: at, Status: ca.Valid,
			Subject: fmt.Sprintf("E=user%d@example.ru,SNILS=%011d,INN=%012d,G=Имя%d Отчество%d,SN=Фамилия%d,CN=Фамилия%d Имя%d Отчество%d,C=RU",
				n, n*7919, n*104729, n%500, n%700, n%9000, n%9000, n%500, n%700),
		}
		if err := tx.Add(e, der); err != nil {
			return err
		}
		_, err = tx.Append(journal.Entry{Time: at, Actor: "bench", Event: "issue", Subject: s.String(), Data: map[string]string{"subject": e.Subject}})
		return err
	}
	b.ResetTimer()
	for n := 0; n < b.N; n += 512 {
		err := l.Update(b.Context(), func(tx ca.Tx) error {
			for i := n; i < min(n+512, b.N); i++ {
				if err := add(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
