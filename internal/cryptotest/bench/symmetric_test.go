//go:build bench

package bench_test

import (
	"crypto/cipher"
	"hash"
	"strconv"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/acpkm"
	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/gost/legacy/gost341194"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/gost/mgm"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// long is the message of the throughput rows.
const long = 8192

func digestRow(name, peerName string, octets int, target float64, newHash func() hash.Hash) row {
	return row{
		name: name, peerOp: "digest", peerArg: peerName + ":" + strconv.Itoa(octets), octets: octets, target: target,
		ours: func(*testing.T) func() {
			msg, sum := make([]byte, octets), make([]byte, 0, 64)
			h := newHash()
			return func() {
				h.Reset()
				h.Write(msg)
				h.Sum(sum)
			}
		},
	}
}

func streamRow(name, peerName string, target float64, newStream func() (cipher.Stream, error)) row {
	return row{
		name: name, peerOp: "cipher", peerArg: peerName + ":" + strconv.Itoa(long), octets: long, target: target,
		ours: func(t *testing.T) func() {
			msg := make([]byte, long)
			s, err := newStream()
			if err != nil {
				t.Fatal(err)
			}
			return func() { s.XORKeyStream(msg, msg) }
		},
	}
}

// mgmRow has no peer where the engine has no MGM (Debian's 3.0.1).
func mgmRow(name string, newCipher func([]byte) (cipher.Block, error)) row {
	return row{name: name, octets: long, ours: func(t *testing.T) func() {
		b, err := newCipher(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		a, err := mgm.New(b)
		if err != nil {
			t.Fatal(err)
		}
		msg, out, nonce := make([]byte, long), make([]byte, 0, long+16), make([]byte, a.NonceSize())
		return func() { a.Seal(out, nonce, msg, nil) }
	}}
}

func ctr(newCipher func([]byte) (cipher.Block, error)) func() (cipher.Stream, error) {
	return func() (cipher.Stream, error) {
		b, err := newCipher(make([]byte, 32))
		if err != nil {
			return nil, err
		}
		return acpkm.NewCTR(b, make([]byte, b.BlockSize()/2))
	}
}

func stream28147(f func([]byte, gost28147.SBox, []byte, bool) (cipher.Stream, error)) func() (cipher.Stream, error) {
	return func() (cipher.Stream, error) {
		return f(make([]byte, 32), gost28147.SBoxTC26Z(), make([]byte, 8), true)
	}
}

func symmetricRows() []row {
	return []row{
		digestRow("Streebog-256 8 KiB", "md_gost12_256", long, 0.8, streebog.New256),
		digestRow("Streebog-512 8 KiB", "md_gost12_512", long, 0.8, streebog.New512),
		// Target of the portable code: at most 1.5 us a message.
		digestRow("Streebog-256 64 octets", "md_gost12_256", 64, 0, streebog.New256),
		digestRow("GOST R 34.11-94 8 KiB", "md_gost94", long, 0, gost341194.New),
		streamRow("Kuznyechik CTR", "kuznyechik-ctr", 1.5, ctr(kuznyechik.NewCipher)),
		streamRow("Magma CTR", "magma-ctr", 3, ctr(magma.NewCipher)),
		streamRow("GOST 28147-89 CFB", "gost89", 0, stream28147(gost28147.NewCFBEncrypter)),
		streamRow("GOST 28147-89 CNT", "gost89-cnt-12", 0, stream28147(gost28147.NewCNT)),
		mgmRow("Kuznyechik MGM", kuznyechik.NewCipher),
		mgmRow("Magma MGM", magma.NewCipher),
	}
}
