package sip

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Limits of mailboxes.
const (
	mailboxSize  = 128   // messages of one Call-ID waiting
	mailboxCount = 32768 // Call-IDs with messages at once
	mailboxParts = 16    // shards of the map
)

// delivery is a message on its way to its mailbox.
type delivery struct {
	raw  []byte
	head head
	src  Source
	flow flow
}

// mailboxes order messages: those of one Call-ID are worked off one after another, in the order they came, by a goroutine
// that ends when nothing is left. They never run code of a Handler and never wait for one.
type mailboxes struct {
	work func(delivery) // must not panic
	seed maphash.Seed
	live atomic.Int64
	wait sync.WaitGroup
	part [mailboxParts]mailboxPart
}

type mailboxPart struct {
	mu   sync.Mutex
	byID map[string]*mailbox
}

type mailbox struct {
	queue []delivery
}

func newMailboxes(work func(delivery)) *mailboxes {
	m := &mailboxes{work: work, seed: maphash.MakeSeed()}
	for i := range m.part {
		m.part[i].byID = make(map[string]*mailbox)
	}
	return m
}

// post puts a message into the mailbox of its Call-ID. It never waits; a reason means that the message was dropped.
func (m *mailboxes) post(d delivery) dropReason {
	p := &m.part[maphash.Bytes(m.seed, d.head.callID)%mailboxParts]
	p.mu.Lock()
	defer p.mu.Unlock()
	mb := p.byID[string(d.head.callID)]
	if mb != nil {
		if len(mb.queue) >= mailboxSize {
			return dropOverflow
		}
		mb.queue = append(mb.queue, d)
		return ""
	}
	if m.live.Load() >= mailboxCount {
		return dropBusy
	}
	m.live.Add(1)
	id := string(d.head.callID)
	mb = &mailbox{queue: []delivery{d}}
	p.byID[id] = mb
	m.wait.Go(func() { // ends when the queue is empty; drained by wait
		defer m.live.Add(-1)
		m.drain(p, id, mb)
	})
	return ""
}

func (m *mailboxes) drain(p *mailboxPart, id string, mb *mailbox) {
	for {
		p.mu.Lock()
		if len(mb.queue) == 0 {
			delete(p.byID, id)
			p.mu.Unlock()
			return
		}
		d := mb.queue[0]
		mb.queue[0] = delivery{}
		mb.queue = mb.queue[1:]
		p.mu.Unlock()
		m.work(d)
	}
}
