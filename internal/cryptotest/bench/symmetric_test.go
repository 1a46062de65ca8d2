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

// engineMGM is how fast an engine that has MGM computes it, in parts of its CTR
// mode: 22 and 140 MB/s on one machine. Debian's engine 3.0.1 has none, so CTR
// times this fraction stands in.
const engineMGM = 22.0 / 140

// throughput is how many octets of a message are shown as MB/s: of short ones
// the messages are counted.
func throughput(octets int) int {
	if octets < 1024 {
		return 0
	}
	return octets
}

func digestRow(name, peerName string, octets int, portable, asm float64, newHash func() hash.Hash) row {
	return row{
		name: name, peerOp: "digest", peerArg: peerName + ":" + strconv.Itoa(octets), octets: throughput(octets), portable: portable, asm: asm, needs: vbmi,
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

// manyRow hashes count independent messages in one call; the peer has no such
// call and hashes one after the other.
func manyRow(name string, octets, count int, asm float64) row {
	return row{
		name: name, peerOp: "digest", peerArg: "md_gost12_256:" + strconv.Itoa(octets), octets: throughput(octets), count: count, asm: asm, needs: vbmi,
		ours: func(*testing.T) func() {
			digests, messages := make([][streebog.Size256]byte, count), make([][]byte, count)
			for i := range messages {
				messages[i] = make([]byte, octets)
			}
			return func() { streebog.Sum256Many(digests, messages) }
		},
	}
}

func streamRow(name, peerName string, portable, asm float64, newStream func() (cipher.Stream, error)) row {
	return row{
		name: name, peerOp: "cipher", peerArg: peerName + ":" + strconv.Itoa(long), octets: long, portable: portable, asm: asm, needs: vbmi,
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

// aeadRow seals a message. peerCTR, if not empty, is the CTR mode that stands in
// for the peer's MGM.
func aeadRow(name, peerCTR string, portable, asm float64, newCipher func([]byte) (cipher.Block, error)) row {
	r := row{name: name, octets: long, portable: portable, asm: asm, needs: vbmi, ours: func(t *testing.T) func() {
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
	if peerCTR != "" {
		r.peerOp, r.peerArg, r.peerScale = "cipher", peerCTR+":"+strconv.Itoa(long), engineMGM
	}
	return r
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

// ctrACPKM takes the engine's section sizes.
func ctrACPKM(newCipher func([]byte) (cipher.Block, error), section, iv int) func() (cipher.Stream, error) {
	return func() (cipher.Stream, error) {
		return acpkm.NewCTRACPKM(newCipher, make([]byte, 32), make([]byte, iv), section)
	}
}

func stream28147(f func([]byte, gost28147.SBox, []byte, bool) (cipher.Stream, error)) func() (cipher.Stream, error) {
	return func() (cipher.Stream, error) {
		return f(make([]byte, 32), gost28147.SBoxTC26Z(), make([]byte, 8), true)
	}
}

// The targets of one message of 64 octets were set as times on a core on which
// the engine hashes 205 MB/s: 1.5 µs and 0.5 µs. Scaled by the engine's speed
// they are these ratios.
const (
	shortPortable = 0.8
	shortAssembly = 2.5
)

func symmetricRows() []row {
	return []row{
		digestRow("Streebog-256, 8 KiB", "md_gost12_256", long, 0.8, 2.7, streebog.New256),
		digestRow("Streebog-512, 8 KiB", "md_gost12_512", long, 0.8, 2.7, streebog.New512),
		manyRow("Streebog-256, 4 messages of 8 KiB", long, 4, 5),
		digestRow("Streebog-256, 64 octets", "md_gost12_256", 64, shortPortable, shortAssembly, streebog.New256),
		manyRow("Streebog-256, 64 messages of 64 octets", 64, 64, 0),
		digestRow("GOST R 34.11-94, 8 KiB", "md_gost94", long, 0, 0, gost341194.New),
		streamRow("Kuznyechik CTR", "kuznyechik-ctr", 1.5, 19, ctr(kuznyechik.NewCipher)),
		streamRow("Magma CTR", "magma-ctr", 3, 45, ctr(magma.NewCipher)),
		streamRow("Kuznyechik CTR-ACPKM", "kuznyechik-ctr-acpkm", 0, 0, ctrACPKM(kuznyechik.NewCipher, acpkm.SectionSizeKuznyechikEngine, 8)),
		streamRow("Magma CTR-ACPKM", "magma-ctr-acpkm", 0, 0, ctrACPKM(magma.NewCipher, acpkm.SectionSizeMagmaEngine, 4)),
		aeadRow("Kuznyechik MGM", "kuznyechik-ctr", 5, 60, kuznyechik.NewCipher),
		aeadRow("Magma MGM", "", 0, 0, magma.NewCipher),
		streamRow("GOST 28147-89 CFB", "gost89", 0, 0, stream28147(gost28147.NewCFBEncrypter)),
		streamRow("GOST 28147-89 CNT", "gost89-cnt-12", 0, 0, stream28147(gost28147.NewCNT)),
	}
}
