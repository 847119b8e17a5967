package sip

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	sipmsg "github.com/emiago/sipgo/sip"
)

// silent is the logger of sipgo's transactions, which print whole messages.
var silent = slog.New(slog.DiscardHandler)

// transactions are all transactions that live, by their keys (RFC 3261 §17.1.3, §17.2.3).
type transactions struct {
	m *metrics

	mu     sync.Mutex
	server map[string]*serverTx
	client map[string]*clientTx
}

func newTransactions(m *metrics) *transactions {
	return &transactions{m: m, server: make(map[string]*serverTx), client: make(map[string]*clientTx)}
}

// serverTx is a server transaction. Its state machine absorbs retransmissions and repeats the last answer.
type serverTx struct {
	*sipmsg.ServerTx
	s     *Server
	req   *sipmsg.Request
	final atomic.Int32             // status of our final answer, 0 before
	leg   atomic.Pointer[Leg]      // owner of an INVITE, nil once it is gone
	tag   atomic.Pointer[LocalTag] // of an owner that is gone
}

// release parts with the owner, which is gone: what is left answers repetitions.
func (tx *serverTx) release(tag LocalTag) {
	tx.tag.Store(&tag)
	tx.leg.Store(nil)
}

// respond sends an answer through the state machine and counts the first final one.
func (tx *serverTx) respond(res *sipmsg.Response) error {
	if res.StatusCode >= 200 && tx.final.CompareAndSwap(0, int32(res.StatusCode)) {
		tx.s.metrics.requests.WithLabelValues(methodLabel(tx.req.Method), strconv.Itoa(res.StatusCode)).Inc()
	}
	return tx.Respond(res)
}

// newServer makes the transaction of a request that was not seen before and starts it.
func (t *transactions) newServer(s *Server, key string, req *sipmsg.Request, w *wire) *serverTx {
	tx := &serverTx{ServerTx: sipmsg.NewServerTx(key, req, w, silent), s: s, req: req}
	t.mu.Lock()
	t.server[key] = tx
	t.mu.Unlock()
	t.m.txs.WithLabelValues("server").Inc()
	tx.OnTerminate(func(string, error) {
		t.mu.Lock()
		if t.server[key] == tx {
			delete(t.server, key)
		}
		t.mu.Unlock()
		t.m.txs.WithLabelValues("server").Dec()
	})
	_ = tx.Init() // always nil; starts the timer that our own 100 stops
	return tx
}

func (t *transactions) findServer(key string) *serverTx {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.server[key]
}

// terminateAll ends all transactions, timers included.
func (t *transactions) terminateAll() {
	t.mu.Lock()
	var all []interface{ Terminate() }
	for _, tx := range t.server {
		all = append(all, tx)
	}
	for _, tx := range t.client {
		all = append(all, tx.tx)
	}
	t.mu.Unlock()
	for _, tx := range all {
		tx.Terminate()
	}
}

// serverKey is the key of the server transaction a request belongs to. CANCEL has a transaction of its own, see
// inviteKey. Requests of RFC 2543 peers, without the branch cookie, match by their other fields.
func serverKey(req *sipmsg.Request) string {
	if branch, _ := req.Via().Params.Get("branch"); len(branch) > len(sipmsg.RFC3261BranchMagicCookie) &&
		strings.HasPrefix(branch, sipmsg.RFC3261BranchMagicCookie) {
		if key, err := sipmsg.ServerTxKeyMake(req); err == nil {
			return key
		}
	}
	method := req.CSeq().MethodName
	if method == sipmsg.ACK {
		method = sipmsg.INVITE
	}
	tag, _ := req.From().Params.Get("tag")
	return strings.Join([]string{
		"2543", string(method), req.CallID().Value(), strconv.FormatUint(uint64(req.CSeq().SeqNo), 10), tag, req.Via().Value(),
	}, sipmsg.TxSeperator)
}

// inviteKey is the key of the INVITE that a CANCEL is for (RFC 3261 §9.2).
func inviteKey(cancel *sipmsg.Request) string {
	cseq := cancel.CSeq()
	method := cseq.MethodName
	cseq.MethodName = sipmsg.INVITE
	defer func() { cseq.MethodName = method }()
	return serverKey(cancel)
}

// clientTx is a client transaction. sink gets every answer in order, then perhaps an error when none final came; it must
// not wait for the transaction.
type clientTx struct {
	tx    *sipmsg.ClientTx
	to    atomic.Pointer[func(res *sipmsg.Response, err error)] // sink; nil once nobody waits
	ack   *ackKeeper
	final atomic.Bool
	begun chan struct{} // closed when Init has set all timers; an answer may be faster
}

// ackKeeper remembers the ACK that sipgo's state machine sends for a refused INVITE: that machine sleeps four seconds
// before it repeats it, so we repeat it ourselves.
type ackKeeper struct {
	*wire
	mu   sync.Mutex
	last sipmsg.Message
}

// WriteMsg sends and remembers.
func (k *ackKeeper) WriteMsg(m sipmsg.Message) error {
	if req, ok := m.(*sipmsg.Request); ok && req.IsAck() {
		k.mu.Lock()
		k.last = m
		k.mu.Unlock()
	}
	return k.wire.WriteMsg(m)
}

func (k *ackKeeper) repeat() {
	k.mu.Lock()
	m := k.last
	k.mu.Unlock()
	if m != nil {
		_ = k.wire.WriteMsg(m)
	}
}

// newClient sends a request in a transaction of its own.
func (t *transactions) newClient(req *sipmsg.Request, w *wire, sink func(*sipmsg.Response, error)) (*clientTx, error) {
	key, err := sipmsg.ClientTxKeyMake(req)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	keeper := &ackKeeper{wire: w}
	tx := &clientTx{tx: sipmsg.NewClientTx(key, req, keeper, silent), ack: keeper, begun: make(chan struct{})}
	tx.to.Store(&sink)
	t.mu.Lock()
	t.client[key] = tx
	t.mu.Unlock()
	t.m.txs.WithLabelValues("client").Inc()
	tx.tx.OnTerminate(func(_ string, err error) {
		t.dropClient(key)
		if !tx.final.Load() {
			// The state machine's lock is held here, and the sink's owner may be waiting for it.
			go tx.sink(nil, err) // ends when the owner has taken it or is gone
		}
	})
	tx.tx.OnRetransmission(func(res *sipmsg.Response) { tx.sink(res, nil) })
	err = tx.tx.Init()
	close(tx.begun)
	if err != nil {
		tx.final.Store(true) // the error is the answer
		tx.tx.Terminate()
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	return tx, nil
}

// sink tells the owner, if there still is one.
func (tx *clientTx) sink(res *sipmsg.Response, err error) {
	if to := tx.to.Load(); to != nil {
		(*to)(res, err)
	}
}

// release parts with the owner, which is gone: what is left absorbs repeated answers.
func (tx *clientTx) release() { tx.to.Store(nil) }

func (t *transactions) dropClient(key string) {
	t.mu.Lock()
	_, there := t.client[key]
	delete(t.client, key)
	t.mu.Unlock()
	if there {
		t.m.txs.WithLabelValues("client").Dec()
	}
}

// receive hands an answer to the transaction it belongs to; false means that there is none.
func (t *transactions) receive(res *sipmsg.Response) bool {
	key, err := sipmsg.ClientTxKeyMake(res)
	if err != nil {
		return false
	}
	t.mu.Lock()
	tx := t.client[key]
	t.mu.Unlock()
	if tx == nil {
		return false
	}
	tx.receive(res)
	return true
}

func (tx *clientTx) receive(res *sipmsg.Response) {
	<-tx.begun
	if res.StatusCode >= 300 && tx.tx.Origin().IsInvite() && tx.final.Load() {
		tx.ack.repeat()
		return
	}
	if res.StatusCode >= 200 {
		tx.final.Store(true)
	}
	// The state machine passes an answer up by a channel without room, holding its lock; somebody must read meanwhile.
	done := make(chan struct{})
	go func() { // ends with Receive
		defer close(done)
		tx.tx.Receive(res)
	}()
	select {
	case up := <-tx.tx.Responses():
		<-done
		tx.sink(up, nil)
	case <-done: // absorbed
	}
}

// isTimeout reports whether a client transaction ended because nobody answered.
func isTimeout(err error) bool { return errors.Is(err, sipmsg.ErrTransactionTimeout) }
