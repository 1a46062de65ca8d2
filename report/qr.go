package report

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// A code is a QR code (ISO/IEC 18004) as a square of modules.
type code struct {
	Size  int // modules of a side, without the quiet zone
	black func(x, y int) bool
}

// quiet is the width of the empty border in modules (ISO/IEC 18004, section
// 5.3.8).
const quiet = 4

// encodeQR encodes a text with error correction level M.
func encodeQR(text string) (*code, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("report: QR code: %w", err)
	}
	return &code{Size: c.Size, black: c.Black}, nil
}

// Side is the length of a side with the quiet zone, in modules.
func (c *code) Side() int { return c.Size + 2*quiet }

// runs calls f for every horizontal run of black modules; the quiet zone is
// counted in.
func (c *code) runs(f func(x, y, length int)) {
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			start := x
			for x < c.Size && c.black(x, y) {
				x++
			}
			if x > start {
				f(start+quiet, y+quiet, x-start)
			}
		}
	}
}

// Path is the code as an SVG path in units of one module.
func (c *code) Path() string {
	var b strings.Builder
	c.runs(func(x, y, length int) { fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, length, length) })
	return b.String()
}
