package softphone

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// sessionHeaders puts the session timer's headers on an INVITE or UPDATE (RFC 4028 §7).
func (c *Call) sessionHeaders(m *Message) {
	c.mu.Lock()
	interval := c.o.SessionExpires
	refresher := c.o.Refresher
	if c.expires > 0 {
		interval = c.expires
		refresher = "uas"
		if c.refresh {
			refresher = "uac"
		}
	}
	c.mu.Unlock()
	if interval == 0 {
		return
	}
	value := fmt.Sprint(int(interval.Seconds()))
	if refresher != "" {
		value += ";refresher=" + refresher
	}
	m.add("Session-Expires", value)
}

// learnTimer takes the session timer of a 2xx to a request of ours.
func (c *Call) learnTimer(resp *Message) {
	value := resp.Header("Session-Expires")
	n := seconds(value)
	if n <= 0 {
		return
	}
	_, params, _ := strings.Cut(value, ";")
	by, _ := param(params, "refresher")
	c.mu.Lock()
	c.expires, c.refresh = time.Duration(n)*time.Second, by == "uac"
	c.mu.Unlock()
	c.refreshed()
}

// refreshed restarts the session interval.
func (c *Call) refreshed() {
	select {
	case c.renewed <- struct{}{}:
	default:
	}
}

// startTimer keeps the session timer that was agreed on.
func (c *Call) startTimer() {
	c.mu.Lock()
	on := c.expires > 0 && !c.o.NoRefresh
	c.mu.Unlock()
	if on {
		c.p.spawn(c.runTimer)
	}
}

// runTimer refreshes the session, or hangs up when the peer does not (RFC 4028 §10). The call's end stops it.
func (c *Call) runTimer() {
	ctx := context.Background() // a request lives 64*T1 at most, and ends with the phone
	for {
		c.mu.Lock()
		wait, ours := c.expires-min(32*time.Second, c.expires/3), c.refresh
		if ours {
			wait = c.expires / 2
		}
		c.mu.Unlock()
		select {
		case <-c.done:
			return
		case <-c.renewed:
			continue
		case <-time.After(wait):
		}
		if !ours {
			err := c.byeOnce(ctx)
			c.finish(Ending{Reason: "session timer ran out", Err: err})
			return
		}
		if err := c.Refresh(ctx); err != nil {
			c.p.cfg.Log.Info("session refresh failed", "call_id", c.callID, "err", err)
		}
	}
}
