package sip

import (
	"encoding/binary"
	"hash/maphash"
	"strconv"

	sipmsg "github.com/emiago/sipgo/sip"
)

// tagSeed keys the To tags of stateless answers; it lasts as long as the process.
var tagSeed = maphash.MakeSeed()

// maxAmplification bounds what a stranger's datagram may draw from us, as a multiple of its bytes.
const maxAmplification = 2.5

// statelessResponse answers a request without keeping anything of it: the same request, sent again, gets the same To tag
// (RFC 3261 §8.2.7), a keyed hash of what identifies the request. It shares header values with the request, whose top Via
// must have its received and rport already, and it carries no body.
func statelessResponse(req *sipmsg.Request, code int, reason string) *sipmsg.Response {
	res := sipmsg.NewResponse(code, reason)
	for _, h := range req.Headers() {
		if via, ok := h.(*sipmsg.ViaHeader); ok {
			res.AppendHeader(via)
		}
	}
	if h := req.From(); h != nil {
		res.AppendHeader(h)
	}
	if h := req.To(); h != nil {
		res.AppendHeader(taggedTo(h, req))
	}
	if h := req.CallID(); h != nil {
		res.AppendHeader(h)
	}
	if h := req.CSeq(); h != nil {
		res.AppendHeader(h)
	}
	res.AppendHeader(noBody)
	res.SetTransport(req.MessageData.Transport())
	res.SetDestination(req.MessageData.Source())
	return res
}

// noBody is the Content-Length of all stateless answers. Headers are never changed in place, so they may be shared.
var noBody = new(sipmsg.ContentLengthHeader)

// smallQuestion is the size from which no answer of ours comes near maxAmplification.
const smallQuestion = 512

// tame keeps the answer to a small datagram within maxAmplification: first the headers go that only inform, then the long
// header names. It reports false when it is not to be sent at all.
func tame(res *sipmsg.Response, question int) bool {
	fits := func() bool { return float64(len(res.String())) <= maxAmplification*float64(question) }
	if question >= smallQuestion || fits() {
		return true
	}
	for _, name := range []string{"Server", "Accept", "Accept-Encoding", "Supported", "Allow-Events", "Allow", "Date"} {
		res.RemoveHeader(name)
	}
	res.CompactHeaders = true
	return fits()
}

// taggedTo returns the To header for the answer, with a tag if it lacks one (RFC 3261 §8.2.6.2).
func taggedTo(to *sipmsg.ToHeader, req *sipmsg.Request) *sipmsg.ToHeader {
	if to.Params.Has("tag") {
		return to
	}
	t := &struct { // one allocation for both
		sipmsg.ToHeader
		room [2]sipmsg.HeaderKV
	}{ToHeader: sipmsg.ToHeader{DisplayName: to.DisplayName, Address: to.Address}}
	tag := strconv.FormatUint(requestHash(tagSeed, req, Source{}), 36)
	t.Params = append(append(t.room[:0], to.Params...), sipmsg.HeaderKV{K: "tag", V: tag})
	return &t.ToHeader
}

// requestHash is a keyed hash of what identifies a request: top Via with its branch, Call-ID, CSeq, From tag and the
// flow it came on.
func requestHash(seed maphash.Seed, req *sipmsg.Request, src Source) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	put := func(s string) {
		_, _ = h.WriteString(s) // never fails, see hash/maphash
		_ = h.WriteByte(0)
	}
	var num [18]byte
	if via := req.Via(); via != nil {
		branch, _ := via.Params.Get("branch")
		put(branch)
		put(via.Host)
	}
	if id := req.CallID(); id != nil {
		put(string(*id))
	}
	if from := req.From(); from != nil {
		tag, _ := from.Params.Get("tag")
		put(tag)
	}
	if cseq := req.CSeq(); cseq != nil {
		put(string(cseq.MethodName))
		binary.BigEndian.PutUint32(num[:], cseq.SeqNo)
		_, _ = h.Write(num[:4])
	}
	if src.Remote.IsValid() {
		addr := src.Remote.Addr().As16()
		copy(num[:], addr[:])
		binary.BigEndian.PutUint16(num[16:], src.Remote.Port())
		_, _ = h.Write(num[:])
	}
	return h.Sum64()
}
