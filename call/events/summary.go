package events

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// SummaryType is the media type of a Summary (RFC 3842 §7).
const SummaryType = "application/simple-message-summary"

// Summary is what waits in a mailbox (RFC 3842). The zero value is an empty mailbox.
type Summary struct {
	Waiting bool    // new messages wait
	Account string  // URI of the mailbox, empty for the line's own
	Counts  []Count // by class of message; none where the mailbox tells no numbers
}

// Count is how many messages of a class wait.
type Count struct {
	Class                string // such as "Voice-Message" or "Fax-Message" (RFC 3458)
	New, Old             int
	UrgentNew, UrgentOld int
	UrgentKnown          bool // the mailbox tells about urgent ones
}

// VoiceMessage is the class of spoken messages.
const VoiceMessage = "Voice-Message"

// Voice makes the summary of a mailbox with that many spoken messages.
func Voice(fresh, old int) Summary {
	return Summary{Waiting: fresh > 0, Counts: []Count{{Class: VoiceMessage, New: fresh, Old: old, UrgentKnown: true}}}
}

// New returns how many new messages of all classes wait.
func (s Summary) New() int {
	n := 0
	for _, c := range s.Counts {
		n += c.New
	}
	return n
}

// Body is the summary as a NOTIFY carries it (RFC 3842 §5.2). account stands in for an empty Account.
func (s Summary) Body(account string) []byte {
	var b bytes.Buffer
	waiting := "no"
	if s.Waiting {
		waiting = "yes"
	}
	fmt.Fprintf(&b, "Messages-Waiting: %s\r\n", waiting)
	if s.Account != "" {
		account = s.Account
	}
	if account != "" {
		fmt.Fprintf(&b, "Message-Account: %s\r\n", account)
	}
	for _, c := range s.Counts {
		fmt.Fprintf(&b, "%s: %d/%d", c.Class, c.New, c.Old)
		if c.UrgentKnown {
			fmt.Fprintf(&b, " (%d/%d)", c.UrgentNew, c.UrgentOld)
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

// check refuses what would break a body apart.
func (s Summary) check() error {
	if strings.ContainsFunc(s.Account, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return fmt.Errorf("mailbox account: %w", ErrMalformed)
	}
	for _, c := range s.Counts {
		if !isClass(c.Class) || min(c.New, c.Old, c.UrgentNew, c.UrgentOld) < 0 {
			return fmt.Errorf("count of messages: %w", ErrMalformed)
		}
	}
	return nil
}

// Limits of a summary that is read.
const (
	maxSummary = 16 << 10
	maxCounts  = 16
	maxCount   = 1_000_000_000
)

// ParseSummary reads the body of a mailbox's NOTIFY. It takes what mailboxes send: lines in any order and any case, with LF
// alone, without counts. Headers of single messages, which may follow, are left out.
func ParseSummary(body []byte) (Summary, error) {
	if len(body) > maxSummary {
		return Summary{}, fmt.Errorf("message summary of %d bytes: %w", len(body), ErrMalformed)
	}
	var s Summary
	status := false
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, maxSummary+1)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			if status {
				break // what follows describes single messages (RFC 3842 §5.2)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return Summary{}, fmt.Errorf("message summary: line without a name: %w", ErrMalformed)
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "messages-waiting":
			switch strings.ToLower(value) {
			case "yes":
				s.Waiting = true
			case "no":
			default:
				return Summary{}, fmt.Errorf("message summary: neither yes nor no: %w", ErrMalformed)
			}
			status = true
		case "message-account":
			s.Account = value
		default:
			c, ok := parseCount(name, value)
			if ok && len(s.Counts) < maxCounts {
				s.Counts = append(s.Counts, c)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return Summary{}, fmt.Errorf("message summary: %w: %w", ErrMalformed, err)
	}
	if !status {
		return Summary{}, fmt.Errorf("message summary without Messages-Waiting: %w", ErrMalformed)
	}
	return s, nil
}

// parseCount reads "2/8 (0/2)"; ok is false for a line that is none.
func parseCount(class, value string) (c Count, ok bool) {
	if !isClass(class) {
		return c, false
	}
	c.Class = class
	numbers, urgent, hasUrgent := strings.Cut(value, "(")
	if c.New, c.Old, ok = twoNumbers(numbers); !ok {
		return c, false
	}
	if hasUrgent {
		urgent, _, closed := strings.Cut(urgent, ")")
		if c.UrgentNew, c.UrgentOld, c.UrgentKnown = twoNumbers(urgent); !closed || !c.UrgentKnown {
			return c, false
		}
	}
	return c, true
}

func twoNumbers(s string) (a, b int, ok bool) {
	first, second, ok := strings.Cut(s, "/")
	x, err1 := strconv.ParseUint(strings.TrimSpace(first), 10, 32)
	y, err2 := strconv.ParseUint(strings.TrimSpace(second), 10, 32)
	if !ok || err1 != nil || err2 != nil || x > maxCount || y > maxCount {
		return 0, 0, false
	}
	return int(x), int(y), true
}

// isClass reports whether a name may be a message-context-class: a token of letters and hyphens.
func isClass(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
