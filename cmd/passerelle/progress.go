package main

import (
	"fmt"
	"os"
	"strings"
)

// progressWidth is the length of a progress bar in characters.
const progressWidth = 40

// progressBar draws how far a long deed is, on terminals only.
type progressBar struct {
	out   *os.File // nil when it is not a terminal
	drawn int      // per cent, -1 before the first
}

func newProgressBar(out *os.File) *progressBar {
	b := &progressBar{drawn: -1}
	if info, err := out.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
		b.out = out
	}
	return b
}

// update draws the bar anew if it looks different.
func (b *progressBar) update(done, total int) {
	if b.out == nil || total <= 0 {
		return
	}
	percent := done * 100 / total
	if percent == b.drawn {
		return
	}
	b.drawn = percent
	full := percent * progressWidth / 100
	fmt.Fprintf(b.out, "\r[%s%s] %3d %%  %d of %d", strings.Repeat("=", full), strings.Repeat(" ", progressWidth-full), percent, done, total)
}

// done wipes the bar away.
func (b *progressBar) done() {
	if b.out != nil && b.drawn >= 0 {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}
