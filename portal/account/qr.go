package account

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// QR is a code that a camera reads, as a drawing of squares.
type QR struct {
	// Size is the width and the height in modules, with the quiet zone that ISO/IEC 18004 wants around the code.
	Size int
	// Path draws the dark modules, in the syntax of an SVG path: one unit per module.
	Path string
}

// qrQuiet is the width of the quiet zone (ISO/IEC 18004 §9.1).
const qrQuiet = 4

// QROf draws text, such as TOTPLink's. It fails for a text that is too long for a code.
func QROf(text string) (QR, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return QR{}, fmt.Errorf("draw a QR code of %d characters: %w", len(text), err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+qrQuiet, y+qrQuiet, run, run)
				x += run
			}
		}
	}
	return QR{Size: code.Size + 2*qrQuiet, Path: path.String()}, nil
}
