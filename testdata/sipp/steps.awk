# Turns a list of steps into a SIPp scenario: awk -f steps.awk NAME.steps >NAME.xml. README.md explains the steps.

function fail(why) {
	print FILENAME ":" FNR ": " why >"/dev/stderr"
	broken = 1
	exit 1
}

function escaped(s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	gsub(/"/, "\\&quot;", s)
	return s
}

# variable notes a variable: SIPp refuses one that nobody reads.
function variable(name) {
	if (!(name in known)) {
		known[name] = 1
		names = names (names == "" ? "" : ",") name
	}
	return name
}

function keep(header, name) {
	return sprintf("    <ereg regexp=\".*\" search_in=\"hdr\" header=\"%s:\" assign_to=\"%s\"/>\n", header, variable(d name))
}

# remote keeps who answered, or who calls, and where in-dialog requests go to.
function remote(header) {
	return keep(header, "peer") \
		sprintf("    <ereg regexp=\"sip:[^>]*\" search_in=\"hdr\" header=\"Contact:\" assign_to=\"%s\"/>\n", variable(d "url")) \
		sprintf("    <ereg regexp=\";tag=([^;>]*)\" search_in=\"hdr\" header=\"%s:\" assign_to=\"%s,%s\"/>\n", header, variable(d "rest"), variable(d "tag"))
}

# checks are the options "want REGEXP" and "not REGEXP" of a message, and "keep NAME REGEXP", whose part in brackets is [$NAME] then.
function checks(  i, w, text) {
	for (i = 2; i <= n; i++) {
		if (option[i] ~ /^keep /) {
			split(option[i], w, " ")
			text = text sprintf("    <ereg regexp=\"%s\" search_in=\"msg\" check_it=\"true\" assign_to=\"%s,%s\"/>\n", escaped(substr(option[i], 7 + length(w[2]))), variable("all" ++count), variable(w[2]))
		}
		if (option[i] ~ /^want /)
			text = text sprintf("    <ereg regexp=\"%s\" search_in=\"msg\" check_it=\"true\" assign_to=\"%s\"/>\n", escaped(substr(option[i], 6)), variable("check" ++count))
		else if (option[i] ~ /^not /)
			text = text sprintf("    <ereg regexp=\"%s\" search_in=\"msg\" check_it_inverse=\"true\" assign_to=\"%s\"/>\n", escaped(substr(option[i], 5)), variable("check" ++count))
	}
	return text
}

function receive(what, name, optional, actions, more) {
	printf "  <recv %s=\"%s\"%s%s%s", what, name, optional ? " optional=\"true\"" : "", more, next_label()
	print actions == "" ? "/>" : ">\n    <action>\n" actions "    </action>\n  </recv>"
}

# next_label is the options "next LABEL" and "timeout MILLISECONDS LABEL" of a step.
function next_label(  i, w, text) {
	for (i = 2; i <= n; i++) {
		split(option[i], w, " ")
		if (w[1] == "next")
			text = text " next=\"" w[2] "\""
		else if (w[1] == "timeout")
			text = text " timeout=\"" w[2] "\" ontimeout=\"" w[3] "\""
	}
	return text
}

# extra is the header lines among the options.
function extra(  i, text) {
	for (i = 2; i <= n; i++)
		if (option[i] ~ /^[A-Z][A-Za-z-]*: /)
			text = text option[i] "\n"
	return text
}

# body is what "sdp DIRECTION [video] [pad=LINES]" or "text TYPE CONTENT" says.
function body(  i, w, k, j, pad, text) {
	for (i = 2; i <= n; i++) {
		if (option[i] ~ /^text /) {
			split(option[i], w, " ")
			return "Content-Type: " w[2] "\nContent-Length: [len]\n\n" substr(option[i], 7 + length(w[2])) "\n"
		}
		if (option[i] !~ /^sdp /)
			continue
		k = split(option[i], w, " ")
		pad = 0
		for (j = 3; j <= k; j++)
			if (w[j] ~ /^pad=/)
				pad = 0 + substr(w[j], 5)
		text = "Content-Type: application/sdp\nContent-Length: [len]\n\nv=0\no=- [pid] " ++version " IN IP4 [media_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n" \
			"m=audio [media_port] RTP/AVP 0 8 101" formats(pad) "\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n" padding(pad) "a=ptime:20\na=" w[2] "\n"
		for (j = 3; j <= k; j++) {
			if (w[j] == "video")
				text = text "m=video [media_port+2] RTP/AVP 99\na=rtpmap:99 H264/90000\na=fmtp:99 profile-level-id=42e01f\n"
			else if (w[j] !~ /^pad=/)
				fail("unknown description: " w[j])
		}
		return text
	}
	return "Content-Length: 0\n\n"
}

# padding is codecs that make a message large, as those of a video phone do; each takes 200 bytes.
function padding(lines,  i, text, filler) {
	for (filler = "0123456789"; length(filler) < 140; filler = filler filler)
		;
	for (i = 1; i <= lines; i++)
		text = text sprintf("a=rtpmap:%d filler/8000\na=fmtp:%d filler-%04d=%s\n", 101 + i, 101 + i, i, substr(filler, 1, 148))
	return text
}

function formats(lines,  i, text) {
	for (i = 1; i <= lines; i++)
		text = text " " (101 + i)
	return text
}

# request is one of ours. Its branch follows from dialog and CSeq, so that CANCEL and the ACK of a refusal have that of their INVITE.
function request(method, uri, to, cseq, branch, more) {
	printf "  <send%s%s><![CDATA[\n", method == "ACK" ? "" : " retrans=\"500\"", next_label()
	printf "%s %s SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=z9hG4bK[pid]n[call_number]%s%s\n", method, uri, d, branch
	printf "From: %s\nTo: %s\nCall-ID: %s\nCSeq: %s %s\nMax-Forwards: 70\n%s", me[d], to, callid[d], cseq, method, more
	if (method != "ACK" && method != "CANCEL" && method != "BYE")
		print "Contact: <sip:[line]@[local_ip]:[local_port];transport=[transport]>"
	if (method == "INVITE")
		print allowed
	printf "%s%s]]></send>\n", extra(), method == "ACK" && !acksdp ? "Content-Length: 0\n\n" : body()
}

function open(  uri) {
	uri = word[2]
	me[d] = "<sip:[line]@bench.test>;tag=[pid]a[call_number]" d
	callid[d] = (d == "d1" ? "" : d "///") "[call_id]"
	target[d] = "[$" d "url]"
	peer[d] = "[$" d "peer]"
	first[d] = uri
	cseq[d]++
	request("INVITE", uri, "<" uri ">", cseq[d], "c" cseq[d], "")
	lastmethod[d] = "INVITE"
	invite[d] = cseq[d]
	sent[d] = version
}

BEGIN {
	FS = "\n"
	allowed = "Allow: ACK, BYE, CANCEL, INFO, INVITE, NOTIFY, OPTIONS, PRACK, REFER, UPDATE"
	print "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"
}

FNR == 1 {
	folder = FILENAME
	sub(/[^\/]*$/, "", folder)
	sub(/.*\//, "", FILENAME)
	printf "<scenario name=\"%s\">\n", FILENAME
}

/^[ \t]*(#|$)/ { next }

{
	n = split($0, option, " [|] ")
	d = "d1"
	if (option[1] ~ /^[0-9]: /) {
		d = "d" substr(option[1], 1, 1)
		option[1] = substr(option[1], 4)
	}
	words = split(option[1], word, " ")
	optional = sub(/[?]$/, "", word[2])
	acksdp = 0
}

word[1] == "register" || word[1] == "unregister" {
	me[d] = "<sip:[line]@bench.test>;tag=[pid]r[call_number]"
	callid[d] = "[call_id]"
	n = 1
	expires = "Expires: " (word[1] == "register" ? 600 : 0) "\n"
	request("REGISTER", "sip:bench.test", "<sip:[line]@bench.test>", 1, "c1", expires)
	receive("response", "401", 0, "", " auth=\"true\"")
	request("REGISTER", "sip:bench.test", "<sip:[line]@bench.test>", 2, "c2", "[authentication]\n" expires)
	receive("response", "200", 0, "", "")
	next
}

# subscribe: a SUBSCRIBE, challenged; the first one makes the dialog.
word[1] == "subscribe" {
	begun = d in me
	if (!begun) {
		me[d] = "<sip:[line]@bench.test>;tag=[pid]s[call_number]"
		callid[d] = "[call_id]"
		target[d] = "sip:bench.test"
		peer[d] = "<sip:[line]@bench.test>"
	}
	request("SUBSCRIBE", target[d], peer[d], ++cseq[d], "c" cseq[d], "")
	saved = n
	n = 1
	receive("response", "401", 0, "", " auth=\"true\"")
	n = saved
	request("SUBSCRIBE", target[d], peer[d], ++cseq[d], "c" cseq[d], "[authentication]\n")
	n = 1
	receive("response", "200", 0, begun ? "" : remote("To"), "")
	target[d] = "[$" d "url]"
	peer[d] = "[$" d "peer]"
	next
}

# dial URI: an INVITE, challenged; trunk URI: one that is not.
word[1] == "trunk" { open(); next }
word[1] == "dial" {
	open()
	saved = n
	n = 1
	receive("response", "100", 1, "", "")
	receive("response", "401", 0, keep("To", "peer"), " auth=\"true\"")
	request("ACK", first[d], "[$" d "peer]", cseq[d], "c" cseq[d], "")
	n = saved
	version = sent[d] - 1
	cseq[d]++
	invite[d] = cseq[d]
	request("INVITE", first[d], "<" first[d] ">", cseq[d], "c" cseq[d], "[authentication]\n")
	n = 1
	receive("response", "100", 1, "", "")
	next
}

# wait CODE [METHOD]: what is answered to our last request, or to one of that method.
word[1] == "wait" {
	actions = checks()
	if (words > 2)
		lastmethod[d] = word[3]
	if (lastmethod[d] == "INVITE" && word[2] > 100 && word[2] < 300)
		actions = remote("To") actions
	if (word[2] > 100 && word[2] < 200)
		actions = actions sprintf("    <ereg regexp=\"[0-9]+\" search_in=\"hdr\" header=\"RSeq:\" assign_to=\"%s\"/>\n", variable(d "rseq"))
	if (lastmethod[d] == "INVITE" && word[2] >= 300)
		actions = keep("To", "peer") actions
	receive("response", word[2], optional, actions, "")
	next
}

# ack after a 2xx, nack after a refusal.
word[1] == "ack" { acksdp = n > 1; request("ACK", target[d], peer[d], invite[d], "a" invite[d], ""); next }
word[1] == "nack" { request("ACK", cseq[d] > 2 && !first[d] ? target[d] : (inside[d] ? target[d] : first[d]), "[$" d "peer]", invite[d], "c" invite[d], ""); next }
word[1] == "cancel" { request("CANCEL", first[d], "<" first[d] ">", invite[d], "c" invite[d], ""); lastmethod[d] = "CANCEL"; next }

word[1] == "send" {
	cseq[d] = counted[d] ? "[clock_tick]" : cseq[d] + 1
	more = ""
	if (word[2] == "PRACK")
		more = "RAck: [$" d "rseq] " invite[d] " INVITE\n"
	request(word[2], target[d], peer[d], cseq[d], "c" cseq[d], more)
	lastmethod[d] = word[2]
	if (word[2] == "INVITE") {
		invite[d] = cseq[d]
		inside[d] = 1
		n = 1
		receive("response", "100", 1, "", "")
	}
	next
}

word[1] == "get" {
	method = word[2]
	if (method == "ACK") {
		receive("request", "ACK", optional, checks(), "")
		next
	}
	actions = keep("Via", "via" method) keep("From", "from" method) keep("To", "to" method) keep("CSeq", "cseq" method) keep("Call-ID", "id" method)
	if (method == "INVITE" && !(d in me)) {
		actions = actions keep("To", "self") remote("From")
		me[d] = "[$" d "self];tag=[pid]u[call_number]" d
		callid[d] = "[$" d "idINVITE]"
		target[d] = "[$" d "url]"
		peer[d] = "[$" d "peer]"
		callee[d] = 1
	}
	receive("request", method, optional, actions checks(), "")
	next
}

# answer METHOD CODE REASON
word[1] == "answer" {
	method = word[2]
	printf("  <send%s%s><![CDATA[\n", (method == "INVITE" && word[3] >= 200) ? " retrans=\"500\"" : "", next_label())
	reason = option[1]
	sub(/^answer [A-Z]+ [0-9]+ ?/, "", reason)
	tagged = callee[d] && (method == "INVITE" && !settled[d] || method == "CANCEL" || method == "PRACK" && 0) ? ";tag=[pid]u[call_number]" d : ""
	printf "SIP/2.0 %d %s\nVia:[$%svia%s]\nFrom:[$%sfrom%s]\nTo:[$%sto%s]%s\nCall-ID:[$%sid%s]\nCSeq:[$%scseq%s]\n", word[3], reason, d, method, d, method, d, method, tagged, d, method, d, method
	if (word[3] > 100 && word[3] < 300)
		print "Contact: <sip:[line]@[local_ip]:[local_port];transport=[transport]>"
	if (method == "INVITE" && word[3] > 100 && word[3] < 300 && extra() !~ /Allow:/)
		print allowed
	printf "%s%s]]></send>\n", extra(), body()
	if (method == "INVITE" && word[3] >= 200)
		settled[d] = 1
	next
}

word[1] == "pause" { printf "  <pause%s%s/>\n", (words > 1) ? " milliseconds=\"" word[2] "\"" : "", next_label(); next }
word[1] == "label" { printf "  <label id=\"%s\"/>\n", word[2]; next }
# prove NAME: the other end of -3pcc makes [$NAME], a nonce, the response of the PIN, which is [$proof] then.
word[1] == "prove" {
	printf "  <sendCmd><![CDATA[\nCall-ID: [call_id]\nNonce: [$%s]\n\n]]></sendCmd>\n", word[2]
	printf "  <recvCmd>\n    <action>\n      <ereg regexp=\"Response: ([0-9a-f]+)\" search_in=\"msg\" check_it=\"true\" assign_to=\"%s,%s\"/>\n    </action>\n  </recvCmd>\n", variable("all" ++count), variable("proof")
	next
}

# include FILE: SIPp's own language, with LOCAL, REMOTE and TARGET for the sides of the dialog.
word[1] == "include" {
	while ((got = getline piece < (folder word[2])) > 0) {
		gsub(/LOCAL/, me[d], piece)
		gsub(/REMOTE/, peer[d], piece)
		gsub(/TARGET/, target[d], piece)
		print piece
	}
	if (got < 0)
		fail("cannot read " folder word[2])
	counted[d] = 1 # by the clock: SIPp has no counter of its own for each side
	close(folder word[2])
	next
}
word[1] == "xml" { print "  " substr($0, 5); next }
{ fail("unknown step: " $0) }

END {
	if (broken)
		exit 1
	if (names != "")
		printf "  <Reference variables=\"%s\"/>\n", names
	print "</scenario>"
}
