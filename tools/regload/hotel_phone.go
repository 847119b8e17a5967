package main

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// hotelClient is many phones behind one socket.
type hotelClient struct {
	cfg   *config
	link  *link
	ended chan struct{}

	mu     sync.Mutex
	byCall map[string]*hotelPhone // by Call-ID
	byUser map[string]*hotelPhone // by user name, which is the user of Contact
	calls  map[string]bool        // branches of INVITEs seen
}

// hotelPhone is one phone; one goroutine at a time uses it.
type hotelPhone struct {
	c            *hotelClient
	user, number string
	tag          string
	callID       string // of the subscription
	remote, uri  string // To tag and target of the subscription
	cseq         int
	ch           challenge
	have         bool
	nc           uint32

	replies chan hotelReply
	notes   chan string // bodies of NOTIFYs
	rung    chan time.Time
	lastSeq uint32 // of NOTIFYs; the reader's
}

type hotelReply struct {
	status         int
	toTag, contact string
	ch             challenge
	challenged     bool
	cseq           uint32
	method         string
}

func newHotelClient(cfg *config) (*hotelClient, error) {
	l, err := newLink("udp", cfg.target, cfg.localIP)
	if err != nil {
		return nil, err
	}
	_ = l.udp.SetReadBuffer(8 << 20)
	c := &hotelClient{cfg: cfg, link: l, ended: make(chan struct{}), byCall: make(map[string]*hotelPhone), byUser: make(map[string]*hotelPhone), calls: make(map[string]bool)}
	go c.read() // ends with the socket
	return c, nil
}

func (c *hotelClient) close() {
	c.link.close()
	<-c.ended
}

func (c *hotelClient) phone(user, number string) *hotelPhone {
	p := &hotelPhone{
		c: c, user: user, number: number, tag: "t" + user, callID: "sub-" + user, uri: "sip:hotel.test",
		replies: make(chan hotelReply, 64), notes: make(chan string, 64), rung: make(chan time.Time, 8),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byUser[user] = p
	c.byCall[p.callID], c.byCall["reg-"+user] = p, p
	return p
}

// read serves what comes: answers and NOTIFYs go to their phones, calls are refused at once.
func (c *hotelClient) read() {
	defer close(c.ended)
	var m msg
	for {
		b, from, err := c.link.recv(time.Now().Add(time.Hour))
		if err != nil {
			return
		}
		if !m.parse(b) {
			continue
		}
		seq, method := m.cseq()
		c.mu.Lock()
		p := c.byCall[string(m.get("call-id"))]
		c.mu.Unlock()
		switch {
		case !m.req && p != nil:
			r := hotelReply{status: m.status, toTag: string(param(m.get("to"), "tag")), contact: string(uriOf(m.get("contact"))), cseq: seq, method: string(method)}
			r.ch, r.challenged = pickChallenge(&m, "auto")
			select {
			case p.replies <- r:
			default:
			}
		case m.req && eqFold(m.method, "notify"):
			_ = c.link.sendTo(answerTo(&m, "200 OK", ""), from)
			if p != nil && seq > p.lastSeq {
				p.lastSeq = seq
				p.notes <- string(m.body)
			}
		case m.req && eqFold(m.method, "invite"):
			user, _, _ := strings.Cut(strings.TrimPrefix(string(m.uri), "sip:"), "@")
			c.mu.Lock()
			p, seen := c.byUser[user], c.calls[string(m.branch())]
			c.calls[string(m.branch())] = true
			c.mu.Unlock()
			if p != nil && !seen {
				select {
				case p.rung <- time.Now():
				default:
				}
			}
			_ = c.link.sendTo(answerTo(&m, "486 Busy Here", "b"+user), from)
		case m.req && !eqFold(m.method, "ack"):
			_ = c.link.sendTo(answerTo(&m, "200 OK", "x"), from)
		}
	}
}

// answerTo makes a response without a body.
func answerTo(m *msg, status, tag string) []byte {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for i := range m.h {
		if m.h[i].is("via") {
			fmt.Fprintf(&b, "Via: %s\r\n", m.h[i].val)
		}
	}
	to := string(m.get("to"))
	if tag != "" && len(param(m.get("to"), "tag")) == 0 {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\nContent-Length: 0\r\n\r\n", m.get("from"), to, m.get("call-id"), m.get("cseq"))
	return []byte(b.String())
}

var errStatus = errors.New("unexpected status")

// request sends a request, retransmits it, proves the line when challenged, and returns the final answer.
func (p *hotelPhone) request(method, uri, to, callID string, headers, body string) (hotelReply, error) {
	for range 3 {
		p.cseq++
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK-%s-%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:%s@hotel.test>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
			method, uri, p.c.link.host, p.c.link.port, p.tag, p.cseq, p.number, p.tag, to, callID, p.cseq, method)
		if p.have {
			p.nc++
			b.Write(appendAuth(nil, &p.ch, p.user, "secret", method, uri, p.nc, "c"+p.user))
		}
		fmt.Fprintf(&b, "Contact: <sip:%s@%s:%d>\r\n%sContent-Length: %d\r\n\r\n%s", p.user, p.c.link.host, p.c.link.port, headers, len(body), body)
		r, err := p.transact([]byte(b.String()), method)
		if err != nil || r.status != 401 && r.status != 407 {
			return r, err
		}
		p.ch, p.have, p.nc = r.ch, r.challenged, 0
	}
	return hotelReply{}, fmt.Errorf("%s challenged again and again: %w", method, errStatus)
}

// transact sends until a final answer comes.
func (p *hotelPhone) transact(b []byte, method string) (hotelReply, error) {
	_ = p.c.link.send(b)
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	over := time.NewTimer(p.c.cfg.timeout)
	defer over.Stop()
	for {
		select {
		case r := <-p.replies:
			if int(r.cseq) == p.cseq && r.method == method && r.status >= 200 {
				return r, nil
			}
		case <-again.C:
			_ = p.c.link.send(b)
		case <-over.C:
			return hotelReply{}, fmt.Errorf("%s: %w", method, errTimeout)
		}
	}
}

func (p *hotelPhone) register() error {
	r, err := p.request("REGISTER", "sip:hotel.test", "<sip:"+p.number+"@hotel.test>", "reg-"+p.user, "Expires: 3600\r\n", "")
	if err == nil && r.status != 200 {
		err = fmt.Errorf("REGISTER %d: %w", r.status, errStatus)
	}
	return err
}

// set sends a body in the subscription, and begins it; an empty body refreshes it.
func (p *hotelPhone) set(body string) error {
	to := "<sip:" + p.number + "@hotel.test>"
	if p.remote != "" {
		to += ";tag=" + p.remote
	}
	headers := "Event: x-broadworks-hoteling\r\nAccept: application/x-broadworks-hoteling+xml\r\nExpires: 3600\r\n"
	if body != "" {
		headers += "Content-Type: application/x-broadworks-hoteling+xml\r\n"
		body = "<SetHoteling xmlns=\"http://schema.broadsoft.com/hoteling\">" + body + "</SetHoteling>"
	}
	r, err := p.request("SUBSCRIBE", p.uri, to, p.callID, headers, body)
	if err == nil && r.status != 200 {
		err = fmt.Errorf("SUBSCRIBE %d: %w", r.status, errStatus)
	}
	if err == nil {
		p.remote, p.uri = r.toTag, r.contact
	}
	return err
}

func (p *hotelPhone) subscribe() error {
	if err := p.set(""); err != nil {
		return err
	}
	_, err := p.note()
	return err
}

func (p *hotelPhone) note() (string, error) {
	select {
	case body := <-p.notes:
		return body, nil
	case <-time.After(p.c.cfg.timeout):
		return "", fmt.Errorf("no NOTIFY: %w", errTimeout)
	}
}

var nonceElement = regexp.MustCompile(`<nonce>([^<]*)</nonce>`)

// guestIn gets guest n in and returns when the proof was sent.
func (p *hotelPhone) guestIn(n int) (proven time.Time, err error) {
	guest := fmt.Sprintf("<guestAddress>1%05d</guestAddress>", n)
	if err := p.set(guest); err != nil {
		return proven, err
	}
	body, err := p.note()
	if err != nil {
		return proven, err
	}
	nonce := nonceElement.FindStringSubmatch(body)
	if nonce == nil {
		return proven, fmt.Errorf("no challenge: %w", errStatus)
	}
	sum := md5.Sum(fmt.Appendf(nil, "%s:%06d", nonce[1], 100000+n))
	proven = time.Now()
	if err := p.set(guest + "<authenticationData><nonce>" + nonce[1] + "</nonce><algorithm>MD5</algorithm><response>" + hex.EncodeToString(sum[:]) + "</response></authenticationData>"); err != nil {
		return proven, err
	}
	if body, err = p.note(); err == nil && !strings.Contains(body, guest) {
		err = fmt.Errorf("not signed in: %w", errStatus)
	}
	return proven, err
}

// stay signs out who is there and guest n in, who is called at once.
func (p *hotelPhone) stay(n int) (signIn, ring time.Duration, err error) {
	if err := p.set("<guestAddress/>"); err != nil {
		return 0, 0, err
	}
	if body, err := p.note(); err != nil || !strings.Contains(body, "<guestAddress/>") {
		return 0, 0, errors.Join(err, fmt.Errorf("not signed out: %w", errStatus))
	}
	start := time.Now()
	proven, err := p.guestIn(n)
	if err != nil {
		return 0, 0, err
	}
	signIn = time.Since(start)
	c := p.c.callerFor(p)
	err = c.call(fmt.Sprintf("sip:1%05d@hotel.test", n))
	select {
	case at := <-p.rung:
		return signIn, at.Sub(proven), err
	case <-time.After(p.c.cfg.timeout):
		return 0, 0, errors.Join(err, fmt.Errorf("the host phone does not ring: %w", errTimeout))
	}
}

// callerFor is a caller of its own for each host's calls: same line, its own Call-ID and CSeqs.
func (c *hotelClient) callerFor(p *hotelPhone) *hotelPhone {
	k := &hotelPhone{
		c: c, user: "caller", number: "+33172000000", tag: fmt.Sprintf("c%d", time.Now().UnixNano()), callID: fmt.Sprintf("call-%s-%d", p.user, time.Now().UnixNano()),
		replies: make(chan hotelReply, 64), notes: p.notes, rung: p.rung,
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byCall[k.callID] = k
	return k
}

// call calls until the answer, which is a refusal, and acknowledges it.
func (p *hotelPhone) call(uri string) error {
	sdp := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n", p.c.link.host, p.c.link.host)
	r, err := p.request("INVITE", uri, "<"+uri+">", p.callID, "Content-Type: application/sdp\r\n", sdp)
	p.c.mu.Lock()
	delete(p.c.byCall, p.callID)
	p.c.mu.Unlock()
	if err != nil {
		return err
	}
	_ = p.c.link.send(fmt.Appendf(nil, "ACK %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK-%s-%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:%s@hotel.test>;tag=%s\r\nTo: <%s>;tag=%s\r\nCall-ID: %s\r\nCSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
		uri, p.c.link.host, p.c.link.port, p.tag, p.cseq, p.number, p.tag, uri, r.toTag, p.callID, p.cseq))
	if r.status != 486 {
		return fmt.Errorf("INVITE %d: %w", r.status, errStatus)
	}
	return nil
}
