package cryptotest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// Hex is a byte string that JSON holds as hexadecimal digits.
type Hex []byte

// UnmarshalJSON decodes a JSON string of hexadecimal digits.
func (h *Hex) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("cryptotest: hexadecimal string: %w", err)
	}
	v, err := hex.DecodeString(s)
	if err != nil {
		return fmt.Errorf("cryptotest: hexadecimal string: %w", err)
	}
	*h = v
	return nil
}

// Vectors is one file of test vectors.
type Vectors struct {
	Algorithm string `json:"algorithm"`
	Source    string `json:"source"` // document and section
	Cases     []Case `json:"cases"`
}

// Case is one test vector. Which fields it has depends on the algorithm.
type Case struct {
	ID         string `json:"id"`
	Comment    string `json:"comment,omitempty"`
	Key        Hex    `json:"key,omitempty"`
	IV         Hex    `json:"iv,omitempty"` // also nonce, salt and seed
	AAD        Hex    `json:"aad,omitempty"`
	Label      Hex    `json:"label,omitempty"`
	Message    Hex    `json:"message,omitempty"`
	Result     Hex    `json:"result"` // digest, ciphertext, tag or derived key
	Tag        Hex    `json:"tag,omitempty"`
	Size       int    `json:"size,omitempty"`  // section or output size in bytes
	Count      int    `json:"count,omitempty"` // iterations or R
	Parameters string `json:"parameters,omitempty"`
}

// LoadVectors reads a file of test vectors and fails the test if it is not
// what it should be: a field with an unknown name, no source, or no case.
func LoadVectors(t testing.TB, path string) Vectors {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var v Vectors
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if v.Algorithm == "" || v.Source == "" || len(v.Cases) == 0 {
		t.Fatalf("%s: algorithm, source or cases are missing", path)
	}
	for _, c := range v.Cases {
		if c.ID == "" || len(c.Result) == 0 {
			t.Fatalf("%s: case %q has no id or no result", path, c.ID)
		}
	}
	return v
}
