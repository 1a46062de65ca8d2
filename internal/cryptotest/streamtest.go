package cryptotest

import (
	"bytes"
	"crypto/cipher"
	"testing"
)

// TestStream checks that the streams of newEncrypter and newDecrypter keep the
// contract of cipher.Stream and undo each other. Each call returns a stream at
// its start, always with the same key and iv. interval is the number of bytes
// after which the key changes, or 0: lengths around it are tried as well.
func TestStream(t *testing.T, interval int, newEncrypter, newDecrypter func() cipher.Stream) {
	t.Helper()
	lengths := Lengths(16)
	if interval > 0 {
		lengths = append(lengths, interval-1, interval, interval+1, 3*interval+5)
	}
	long := Bytes(4, lengths[len(lengths)-1]+1000)
	want := make([]byte, len(long))
	newEncrypter().XORKeyStream(want, long)

	t.Run("lengths", func(t *testing.T) {
		for _, n := range lengths {
			dst := make([]byte, n+1)
			newEncrypter().XORKeyStream(dst, long[:n])
			if !bytes.Equal(dst[:n], want[:n]) || dst[n] != 0 {
				t.Errorf("%d bytes are not the start of a longer message", n)
			}
			newDecrypter().XORKeyStream(dst, dst[:n])
			if !bytes.Equal(dst[:n], long[:n]) {
				t.Errorf("%d bytes: decryption in place does not undo encryption", n)
			}
		}
	})
	t.Run("split calls", func(t *testing.T) { streamSplit(t, long, want, newEncrypter, newDecrypter) })
	t.Run("short destination", func(t *testing.T) {
		MustPanic(t, "a short destination", func() { newEncrypter().XORKeyStream(make([]byte, 9), make([]byte, 10)) })
	})
	t.Run("overlap", func(t *testing.T) {
		buf := make([]byte, 4000)
		for _, d := range []int{1, 8, 1999} {
			MustPanic(t, "a later destination", func() { newEncrypter().XORKeyStream(buf[d:], buf[:2000]) })
			MustPanic(t, "a later source", func() { newDecrypter().XORKeyStream(buf[:2000], buf[d:2000+d]) })
		}
		newEncrypter().XORKeyStream(buf[2000:], buf[:2000])
	})
}

func streamSplit(t *testing.T, long, want []byte, newEncrypter, newDecrypter func() cipher.Stream) {
	for _, step := range []int{1, 7, 8, 15, 16, 17, 1000, 1024, 1025} {
		e, d := newEncrypter(), newDecrypter()
		src, dst, back := bytes.Clone(long), make([]byte, len(long)), make([]byte, len(long))
		for i := 0; i < len(src); i += step {
			end := min(i+step, len(src))
			e.XORKeyStream(dst[i:], src[i:end])
			d.XORKeyStream(back[i:], dst[i:end])
			e.XORKeyStream(nil, nil)
		}
		if !bytes.Equal(dst, want) {
			t.Errorf("steps of %d bytes differ from one call", step)
		}
		if !bytes.Equal(back, long) {
			t.Errorf("steps of %d bytes: decryption does not undo encryption", step)
		}
		if !bytes.Equal(src, long) {
			t.Errorf("steps of %d bytes: the source has changed", step)
		}
	}
}
