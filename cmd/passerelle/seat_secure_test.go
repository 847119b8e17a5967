package main

import (
	"crypto/tls"
	"net/netip"
	"strings"
	"testing"
	"time"

	"passerelle/gateway"
	"passerelle/softphone"
)

// tlsAddr is where the server takes SIP by TLS.
var tlsAddr = netip.AddrPortFrom(serverAddr.Addr(), 5061)

// byTLS makes a phone speak TLS.
func byTLS(c *softphone.Config) {
	c.Transport, c.Server, c.TLS = "tls", tlsAddr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}

// secured agrees to SRTP only, with a key under a tag. The phone does not speak it; what is proven here is what is agreed.
func secured(tag string) softphone.InviteOptions {
	return softphone.InviteOptions{Profile: "RTP/SAVP", NeverRTP: true, EditSDP: func(s string) string {
		return s + "a=crypto:" + tag + " AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
	}}
}

// TestSpaceTakesSRTP answers a phone on TLS by SRTP, and asks one that is called for it; who takes no keys gets plain RTP.
func TestSpaceTakesSRTP(t *testing.T) {
	inWorld(t, func(w *world) {
		app := w.phone("alice-app", "sA-44c1d0", byTLS)
		a := w.invite(app, gatewayURI+";space="+aliceSpace, secured("1"))
		if p := a.Profile(); p != "RTP/SAVP" {
			t.Errorf("answered by %s", p)
		}
		w.participants(1)

		calls := make(chan *softphone.Incoming, 8)
		desk := &ringing{calls: calls}
		desk.Phone = w.phone("+33170001203", "pC-0be5d2", byTLS, func(c *softphone.Config) {
			c.OnInvite = func(in *softphone.Incoming) { calls <- in }
		})
		if _, err := desk.Register(w.t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		o := w.spaceCalls("203")
		in := desk.rings(w)
		if sdp := string(in.Request().Body); !strings.Contains(sdp, "RTP/SAVP") || !strings.Contains(sdp, "a=crypto:") {
			t.Errorf("called with\n%s", sdp)
		}
		before, _, _ := strings.Cut(string(in.Request().Body), " AES_CM_128_HMAC_SHA1_80")
		c, err := in.Answer(w.t.Context(), secured(before[strings.LastIndex(before, ":")+1:]))
		if err != nil {
			t.Fatal(err)
		}
		w.outcall(o.ID, gateway.OutcallIn)
		w.bye(c)
		w.outcall(o.ID, gateway.OutcallEnded)

		o = w.spaceCalls("203")
		desk.rings(w).Refuse(488)
		in = desk.rings(w)
		if sdp := string(in.Request().Body); strings.Contains(sdp, "SAVP") || strings.Contains(sdp, "crypto") {
			t.Errorf("called in plain with\n%s", sdp)
		}
		c = w.take(in)
		w.outcall(o.ID, gateway.OutcallIn)
		w.bye(c, a)
	})
}
