//go:build unix

package peers

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

// dialect is the words that the scenarios are written in: each stands for one message of SIPp's language.
type dialect struct {
	script
	tone    string
	version int // of the session description
}

func (d *dialect) words() template.FuncMap {
	return template.FuncMap{
		"invite": d.invite, "ack": d.ack, "nack": d.nack, "bye": d.bye, "cancel": d.cancel, "reply": d.reply, "ring": d.ring, "answer": d.answer,
		"notify": d.notify, "hangup": d.hangup, "talk": d.talk, "cross": d.cross, "fork": d.fork, "pause": func(ms int) string { return fmt.Sprintf(`<pause milliseconds="%d"/>`, ms) },
		"long": func() string { return strings.Repeat("x", 900) },
		"refer": func(cseq int) string {
			return send(true, d.caller("REFER", "[peer_tag_param]", cseq, "[branch]"), "Refer-To: <sip:2104@"+d.elsewhere.String()+">", "Refer-Sub: false",
				"Supported: norefersub", "Content-Length: 0\n")
		},
		"told": func() string {
			return `<nop><action><log message="waits in [call_id]"/></action></nop><recv request="INFO"/>`
		},
		"elsewhere": func() string { return d.elsewhere.String() },
		"given":     func(word string) string { return d.given[word] },
		"codec":     func(name string) string { d.codec = name; return "" },
		"prack":     d.prack, "request": d.request, "asks": d.asks, "digit": d.digit, "seen": seen, "again": again, "saved": saved,
		"outside": d.outside, "tells": d.tells, "afresh": d.afresh,
		"inviteWith": func(direction string, more ...string) string {
			return strings.Replace(d.invite(1, direction), "\nMax-Forwards: 70", "\nMax-Forwards: 70\n"+strings.Join(more, "\n"), 1)
		},
		"provisional": func() string {
			return "<recv response=\"100\" optional=\"true\"/>\n<recv response=\"180\" optional=\"true\"/>"
		},
	}
}

func send(retrans bool, lines ...string) string {
	attr := ""
	if retrans {
		attr = ` retrans="500"`
	}
	return "<send" + attr + "><![CDATA[\n" + strings.Join(lines, "\n") + "\n]]></send>"
}

// sdp is an offer or answer with this direction.
func (d *dialect) sdp(direction string) string {
	ip, port := "[media_ip]", "[media_port]"
	if d.media.IsValid() {
		ip, port = d.media.Addr().String(), strconv.Itoa(int(d.media.Port()))
	}
	d.version++
	pt, codec, _ := strings.Cut(d.codec, " ")
	if pt == "" {
		pt, codec = "0", "PCMU/8000"
	}
	event, more := "", ""
	if d.keys >= 0 {
		n := strconv.Itoa(cmp.Or(d.keys, 101))
		event, more = " "+n, "a=rtpmap:"+n+" telephone-event/8000\na=fmtp:"+n+" 0-15\n"
	}
	if a := d.given["attribute"]; a != "" {
		more += "a=" + a + "\n"
	}
	return "v=0\no=sipp 1 " + strconv.Itoa(d.version) + " IN IP[media_ip_type] [media_ip]\ns=-\nc=IN IP[media_ip_type] " + ip + "\nt=0 0\nm=audio " + port +
		" RTP/AVP " + pt + event + "\na=rtpmap:" + pt + " " + codec + "\n" + more + "a=" + direction + "\n"
}

func (d *dialect) body(direction string) string {
	if direction == "" {
		return "Content-Length: 0\n"
	}
	return "Content-Type: application/sdp\nContent-Length: [len]\n\n" + d.sdp(direction)
}

const firstBranch = "z9hG4bKfirst[pid]x[call_number]"

func (d *dialect) caller(method, to string, cseq int, branch string) string {
	uri := "[next_url]"
	if to == "" {
		uri = "sip:[service]@[remote_ip]:[remote_port]"
	}
	return fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=%s\n"+
		"From: \"Caller\" <sip:%s@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]\nTo: <sip:[service]@[remote_ip]:[remote_port]>%s\n"+
		"Call-ID: [call_id]\nCSeq: %d %s\nContact: <sip:%s@[local_ip]:[local_port];transport=[transport]>\nMax-Forwards: 70",
		method, uri, branch, d.from, to, cseq, strings.Fields(method)[0], d.from)
}

// invite begins a call (cseq 1) or changes one; an empty direction offers nothing. more are further headers.
func (d *dialect) invite(cseq int, direction string, more ...string) string {
	to, branch := "[peer_tag_param]", "[branch]"
	if cseq == 1 {
		to, branch = "", firstBranch
	}
	return send(true, append(append([]string{d.caller("INVITE", to, cseq, branch), "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY"}, more...), d.body(direction))...)
}

// ack is for a 2xx; direction is for an answer in it (late offer).
func (d *dialect) ack(cseq int, direction string) string {
	return send(false, d.caller("ACK", "[peer_tag_param]", cseq, "[branch]"), d.body(direction))
}

// nack is the ACK of a refusal: the transaction of the INVITE (RFC 3261 §17.1.1.3).
func (d *dialect) nack() string {
	return send(false, strings.Replace(d.caller("ACK", "[peer_tag_param]", 1, firstBranch), "[next_url]", "sip:[service]@[remote_ip]:[remote_port]", 1), "Content-Length: 0\n")
}

func (d *dialect) bye(cseq int) string {
	return send(true, d.caller("BYE", "[peer_tag_param]", cseq, "[branch]"), "Content-Length: 0\n") + "\n<recv response=\"200\"/>"
}

// cancel gives up; more is a further header.
func (d *dialect) cancel(more ...string) string {
	return send(true, append(append([]string{d.caller("CANCEL", "", 1, firstBranch)}, more...), "Content-Length: 0\n")...)
}

// notify tells the transferor what became of its REFER.
func (d *dialect) notify(cseq int, state, frag string) string {
	return send(true, d.caller("NOTIFY", "[peer_tag_param]", cseq, "[branch]"), "Event: refer", "Subscription-State: "+state,
		"Content-Type: message/sipfrag;version=2.0\nContent-Length: [len]\n\n"+frag+"\n") + "\n<recv response=\"200\"/>"
}

// reply answers the last request of an established call.
func (d *dialect) reply(status, direction string, more ...string) string {
	return d.respond(status, "", direction, more...)
}

func (d *dialect) respond(status, tag, direction string, more ...string) string {
	head := append([]string{"SIP/2.0 " + status, "[last_Via:]", "[last_From:]", "[last_To:]" + tag, "[last_Call-ID:]", "[last_CSeq:]",
		"Contact: <sip:answer@[local_ip]:[local_port];transport=[transport]>"}, more...)
	if strings.HasPrefix(status, "3") { // its Contacts are where to go
		head = append(head[:6:6], more...)
	}
	return send(strings.HasPrefix(status, "2") && direction != "", append(head, d.body(direction))...)
}

// ring and answer are the answerer's; tag names the branch of a fork.
func (d *dialect) ring(status, tag, direction string, more ...string) string {
	return d.respond(status, ";tag=[pid]"+tag+"[call_number]", direction, more...)
}

// cross is a 200 to the INVITE after the CANCEL has come: all but the method is as in the CANCEL (RFC 3261 §9.1).
func (d *dialect) cross() string {
	return strings.Replace(d.respond("200 OK", ";tag=[pid]T[call_number]", "sendrecv"), "[last_CSeq:]", "CSeq: [$1] INVITE", 1)
}

// fork is one more 200 to the INVITE, from another branch, when the first was acknowledged: $1 to $3 hold the INVITE's Via, To
// and number.
func (d *dialect) fork(tag string) string {
	return strings.NewReplacer("[last_Via:]", "Via: [$1]", "[last_To:]", "To: [$2]", "[last_CSeq:]", "CSeq: [$3] INVITE").
		Replace(d.respond("200 OK", ";tag=[pid]"+tag+"[call_number]", "sendrecv"))
}

func (d *dialect) answer(tag string) string {
	return d.respond("200 OK", ";tag=[pid]"+tag+"[call_number]", "sendrecv")
}

// hangup is the answerer's BYE; $1 holds the caller's From.
func (d *dialect) hangup(tag string) string {
	return send(true, "BYE [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"+
		"From: <sip:answer@[local_ip]:[local_port]>;tag=[pid]"+tag+"[call_number]\nTo: [$1]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70",
		"Content-Length: 0\n") + "\n<recv response=\"200\"/>"
}

// talk streams the tone for as long as the call lasts.
func (d *dialect) talk() string {
	return `<nop><action><exec rtp_stream="` + d.tone + `,-1,0,PCMU/8000"/></action></nop>`
}

// request is one of the caller in its dialog, of any method, with an offer where direction names one; an ACK is that of a refusal, in
// the transaction of the request with its number.
func (d *dialect) request(method string, cseq int, direction string, more ...string) string {
	return send(method != "ACK", append(append([]string{d.caller(method, "[peer_tag_param]", cseq, fmt.Sprintf("z9hG4bKreq%d[pid]x[call_number]", cseq))}, more...), d.body(direction))...)
}

// afresh is the INVITE of a call that was refused the first time.
func (d *dialect) afresh(cseq int, direction string, more ...string) string {
	return send(true, append(append([]string{d.caller("INVITE", "", cseq, "[branch]")}, more...), d.body(direction))...)
}

// outside is a request in no dialog, with a body.
func (d *dialect) outside(method string, cseq int, kind, body string, more ...string) string {
	return send(true, append(append([]string{d.caller(method, "", cseq, "[branch]")}, more...), "Content-Type: "+kind+"\nContent-Length: [len]\n\n"+body)...)
}

// prack acknowledges the reliable response whose RSeq is in $1.
func (d *dialect) prack(cseq int, direction string) string {
	return d.request("PRACK", cseq, direction, "RAck: [$1] 1 INVITE")
}

// digit is a key as exchanges send it in the signalling.
func (d *dialect) digit(cseq int, key string) string {
	body := "Signal=" + key + "\nDuration=160\n"
	return send(true, d.caller("INFO", "[peer_tag_param]", cseq, "[branch]"), "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n"+body) +
		"\n<recv response=\"200\"/>"
}

// asks is a request of the answerer in the dialog; $1 holds the caller's From. Its branch can be named again for the ACK of a refusal.
func (d *dialect) asks(method, tag string, cseq int, direction string, more ...string) string {
	return send(method != "ACK", append(append([]string{d.answerer(method, tag, cseq)}, more...), d.body(direction))...)
}

// tells is asks with another body than a description.
func (d *dialect) tells(method, tag string, cseq int, kind, body string, more ...string) string {
	return send(true, append(append([]string{d.answerer(method, tag, cseq)}, more...), "Content-Type: "+kind+"\nContent-Length: [len]\n\n"+body)...)
}

func (d *dialect) answerer(method, tag string, cseq int) string {
	return fmt.Sprintf("%s [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bKasks%d[pid]x[call_number]\n"+
		"From: <sip:answer@[local_ip]:[local_port]>;tag=[pid]%s[call_number]\nTo: [$1]\nCall-ID: [call_id]\nCSeq: %d %s\nMax-Forwards: 70\n"+
		"Contact: <sip:answer@[local_ip]:[local_port];transport=[transport]>", method, cseq, tag, cseq, method)
}

// seen is a check of the message just received: where is a header's name with its colon, or "msg".
func seen(variable, where, pattern string) string {
	place := `search_in="msg"`
	if where != "msg" {
		place = `search_in="hdr" header="` + where + `"`
	}
	return `<ereg regexp="` + pattern + `" ` + place + ` check_it="true" assign_to="` + variable + `"/>`
}

// saved keeps what a later response to this request repeats (via, from, to, number in the variables of that name); again puts that in
// place of the last message's.
func saved() string {
	s := ""
	for _, h := range []string{"Via", "From", "To", "CSeq"} {
		s += `<ereg regexp="[^ ].*" search_in="hdr" header="` + h + `:" assign_to="` + strings.ToLower(h) + `"/>`
	}
	return s
}

func again(response string) string {
	return strings.NewReplacer("[last_Via:]", "Via: [$via]", "[last_From:]", "From: [$from]", "[last_To:]", "To: [$to]", "[last_CSeq:]", "CSeq: [$cseq]").Replace(response)
}
