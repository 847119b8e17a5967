package account

import (
	"fmt"
	"strings"
	"testing"

	"rsc.io/qr"
)

// TestQRDrawsTheCode fills the squares that the path draws and compares them with the code's modules.
func TestQRDrawsTheCode(t *testing.T) {
	link := TOTPLink("Passerelle", "alice@acme.test", NewTOTPKey())
	drawn, err := QROf(link)
	if err != nil {
		t.Fatal(err)
	}
	code, err := qr.Encode(link, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	if drawn.Size != code.Size+8 {
		t.Fatalf("%d modules wide, the code has %d and a quiet zone of four on each side", drawn.Size, code.Size)
	}
	dark := map[[2]int]bool{}
	for _, part := range strings.Split(strings.TrimPrefix(drawn.Path, "M"), "M") {
		var x, y, width, back int
		if _, err := fmt.Sscanf(part, "%d %dh%dv1h-%dz", &x, &y, &width, &back); err != nil || back != width {
			t.Fatalf("%q: %v", part, err)
		}
		for i := range width {
			dark[[2]int{x + i, y}] = true
		}
	}
	for y := range drawn.Size {
		for x := range drawn.Size {
			if want := code.Black(x-4, y-4); dark[[2]int{x, y}] != want {
				t.Fatalf("module %d,%d is dark: %v, want %v", x, y, !want, want)
			}
		}
	}
	if _, err := QROf(strings.Repeat("x", 5000)); err == nil {
		t.Error("5000 characters fit into a code")
	}
}
