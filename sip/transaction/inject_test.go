package transaction

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// attacks are what somebody may put into any value that leaves.
var attacks = []string{
	"\r\nX-Evil: 1", "x\r\nX-Evil: 1\r\n", "\nX-Evil: 1", "\rX-Evil: 1", "x\r\n\r\nX-Evil: 1", "x\r\n X-Evil: 1", "\x00X-Evil: 1", "x\x0bX-Evil: 1\x0c", "x\x1b[2J\x7f",
	"\"\r\nX-Evil: 1", "\\", "\\\"\r\nX-Evil: 1", "x\">;\r\nX-Evil: 1", ">\r\nX-Evil: 1\r\n<", "%0d%0aX-Evil: 1", "\u2028X-Evil: 1", "\u0085X-Evil: 1", "x SIP/2.0\r\nX-Evil: 1",
	"\x8d\x0aX-Evil: 1", "\xe5\x98\x8aX-Evil: 1\xe5\x98\x8d", "", " ", "\t", "*",
}

func everyAddress(user string) Address {
	return Address{
		Display: "Name " + user,
		URI: URI{Scheme: "sip", User: user, Password: "pw", Host: "example.com", Port: 5060,
			Params: Params{{Name: "up", Value: "uv", Has: true}}, Headers: Params{{Name: "uh", Value: "uw", Has: true}}},
		Params: Params{{Name: "hp", Value: "hv", Has: true}},
	}
}

func everyRequest() *Request {
	return &Request{
		Method: "INVITE", URI: everyAddress("r").URI, Route: []Address{everyAddress("route")}, RecordRoute: []Address{everyAddress("rr")},
		From: everyAddress("from").WithTag("ft"), To: everyAddress("to").WithTag("tt"), Contact: []Address{everyAddress("c"), {URI: URI{Scheme: "tel", User: "+1555"}}, {URI: URI{Scheme: "urn", Opaque: "x"}}},
		CallID: "call@id", CSeq: 7, MaxForwards: 70, Headers: Headers{{"Reason", `SIP;cause=200;text="x"`}, {"X-Own", "v"}},
		ContentType: "application/sdp", Body: []byte("v=0\r\n"),
	}
}

func everyResponse() *Response {
	return &Response{
		Status: 200, Reason: "OK", RecordRoute: []Address{everyAddress("rr")}, From: everyAddress("from"), To: everyAddress("to"), Contact: []Address{everyAddress("c")},
		CallID: "call@id", CSeq: 7, Method: "INVITE", Headers: Headers{{"Reason", "SIP;cause=200"}, {"Retry-After", "5"}}, ContentType: "text/plain", Body: []byte("b"),
	}
}

// texts visits every string that can be set in v, with its path.
func texts(v reflect.Value, path string, visit func(path string, s reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			texts(v.Elem(), path, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				texts(v.Field(i), path+"."+f.Name, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			texts(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.String:
		if v.CanSet() {
			visit(path, v)
		}
	}
}

// outline is what a message consists of: the names of its fields in order. An error says that something broke out.
func outline(wire string, body string) ([]string, error) {
	head, rest, ok := strings.Cut(wire, "\r\n\r\n")
	if !ok || rest != body {
		return nil, fmt.Errorf("the body is %q", rest)
	}
	var names []string
	for i, l := range strings.Split(head, "\r\n") {
		if strings.ContainsAny(l, "\r\n\x00") || l == "" {
			return nil, fmt.Errorf("line %d is %q", i, l)
		}
		if i == 0 {
			names = append(names, fmt.Sprint(strings.HasPrefix(l, "SIP/2.0 200 ") || strings.HasSuffix(l, " SIP/2.0") && len(strings.Split(l, " ")) == 3))
			continue
		}
		name, _, ok := strings.Cut(l, ": ")
		if !ok || !isToken(name) {
			return nil, fmt.Errorf("line %d is %q", i, l)
		}
		names = append(names, name)
	}
	return names, nil
}

// Every string of everything that leaves is attacked, one after the other: the wire never has another line, or nothing is sent.
func TestNoValueOfAMessageCanBecomeALineOfIt(t *testing.T) {
	raw := &rawFields{via: []string{"SIP/2.0/UDP h;branch=z9hG4bKx"}, from: "<sip:a@h>;tag=1", to: "<sip:b@h>", callID: "c", cseq: "7 INVITE", recordRoute: []string{"<sip:p;lr>"}}
	for name, kind := range map[string]struct {
		made func() any
		wire func(v any) ([]byte, error)
		body string
	}{
		"request":  {func() any { return everyRequest() }, func(v any) ([]byte, error) { return v.(*Request).wire("SIP/2.0/UDP h;branch=z9hG4bKx", "offhook") }, "v=0\r\n"},
		"response": {func() any { return everyResponse() }, func(v any) ([]byte, error) { return v.(*Response).wire(raw, raw.via[0], "tag", "offhook") }, "b"},
	} {
		good, err := kind.wire(kind.made())
		if err != nil {
			t.Fatal(err)
		}
		want, err := outline(string(good), kind.body)
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		texts(reflect.ValueOf(kind.made()), name, func(path string, _ reflect.Value) { paths = append(paths, path) })
		sent, refused := 0, 0
		for _, path := range paths {
			for _, attack := range attacks {
				for _, whole := range []bool{true, false} {
					v := kind.made()
					texts(reflect.ValueOf(v), name, func(p string, s reflect.Value) {
						if p == path {
							if !whole {
								attack = s.String() + attack
							}
							s.SetString(attack)
						}
					})
					wire, err := kind.wire(v)
					if err != nil {
						if field := (*FieldError)(nil); !errors.As(err, &field) {
							t.Errorf("%s = %q: %v is no FieldError", path, attack, err)
						}
						refused++
						continue
					}
					sent++
					got, err := outline(string(wire), kind.body)
					if err != nil {
						t.Errorf("%s = %q: %v", path, attack, err)
						continue
					}
					names := slices.Clone(want)
					if strings.Contains(path, "Headers[") && strings.HasSuffix(path, ".Name") {
						continue // another name is what it should have; it is a token
					}
					if strings.HasSuffix(path, "ContentType") && attack == "" {
						names = slices.DeleteFunc(names, func(s string) bool { return s == "Content-Type" })
					}
					if !slices.Equal(got, names) {
						t.Errorf("%s = %q is sent as %q", path, attack, got)
					}
				}
			}
		}
		t.Logf("%s: %d strings; of their attacks %d were sent harmless and %d refused", name, len(paths), sent, refused)
		if least := map[string]int{"request": 50, "response": 15}[name]; len(paths) < least || sent == 0 || refused == 0 {
			t.Errorf("%s: %d strings, %d sent, %d refused", name, len(paths), sent, refused)
		}
	}
}

// What is written means what was put in: nothing in a display name or a URI part reaches another part of the address.
func TestAnAddressIsReadAsItWasMeantWhateverStandsInIt(t *testing.T) {
	hostile := []string{"a", `"`, `\`, `">;tag=evil`, "<sip:evil@evil>", "a@evil", "a;tag=evil", "a,b", "%40", "%", "?x=y", "a b", "ü", "=", "&", "/", ":", "#", "*", "\x01"}
	for _, display := range hostile {
		for _, part := range hostile {
			a := Address{Display: display, URI: URI{Scheme: "sip", User: part, Password: part, Host: "example.com", Port: 5070, Params: Params{{Name: "up", Value: part, Has: true}},
				Headers: Params{{Name: "uh", Value: part, Has: true}}}, Params: Params{{Name: "hp", Value: part, Has: true}}}.WithTag("good")
			b, err := ParseAddress(a.String())
			if err != nil {
				t.Errorf("%q cannot be read: %v", a, err)
				continue
			}
			shown := strings.ReplaceAll(display, "\x01", " ")
			value, _ := b.URI.Params.Get("up")
			header, _ := b.URI.Headers.Get("uh")
			param, _ := b.Params.Get("hp")
			if b.Display != shown || b.URI.User != part || b.URI.Password != part || b.URI.Host != "example.com" || b.URI.Port != 5070 ||
				value != part || header != part || param != strings.ReplaceAll(part, "\x01", " ") || b.Tag() != "good" || len(b.Params) != 2 || len(b.URI.Params) != 1 {
				t.Errorf("%q is read as %+v", a, b)
			}
			if list, err := ParseAddresses(a.String() + ", " + a.String()); err != nil || len(list) != 2 {
				t.Errorf("two of %q are read as %d (%v)", a, len(list), err)
			}
		}
	}
}

// The doors that lead out: each refuses, and what it refuses leaves nothing behind.
func TestWhatCannotBeSentIsRefusedAtEveryDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const evil = "x\r\nX-Evil: 1"
		var tx *ServerTx
		l, f, wire := virtual(t, Config{UserAgent: "offhook"}, &recorder{request: func(got *ServerTx, _ *Request) { tx = got }})
		field := func(name string, err error) {
			t.Helper()
			if e := (*FieldError)(nil); !errors.As(err, &e) {
				t.Errorf("%s: %v", name, err)
			}
		}
		bad := newRequest("INFO", "bad")
		bad.Headers.Add("X-Own", evil)
		_, err := l.Send(f, fakeRemote, bad, nil, func(error) { t.Error("done was called") })
		field("Send", err)
		ack := newRequest("ACK", "ack")
		ack.CallID = evil
		field("SendAck", l.SendAck(f, fakeRemote, ack))
		wire.in <- requestText("INVITE", "in", fakeRemote)
		synctest.Wait()
		res := NewResponse(tx.Request(), 486, evil)
		field("Respond", tx.Respond(res))
		if err := tx.Respond(NewResponse(tx.Request(), 486, "")); err != nil {
			t.Errorf("the gate was shut by what was refused: %v", err)
		}
		invite := dial(t, l, f, newRequest("INVITE", "out"))
		wire.in <- respondTo(wire.last(), "180 Ringing", "x")
		synctest.Wait()
		var reason Headers
		reason.Add("Reason", evil)
		invite.tx.Cancel(reason)
		synctest.Wait()
		for _, msg := range wire.sent {
			if strings.Contains(msg, "X-Evil") {
				t.Errorf("sent %q", msg)
			}
		}
		if n := wire.count("CANCEL"); n != 1 {
			t.Errorf("%d CANCELs: a call must not go on ringing for the sake of its reason", n)
		}
		if s := l.Stats(); s.ClientTx > 2 {
			t.Errorf("left behind: %+v", s)
		}
		l.Close()
	})
	synctest.Test(t, func(t *testing.T) { // a product name from a configuration
		_, _, wire := virtual(t, Config{UserAgent: "offhook\r\nX-Evil: 1"}, &recorder{request: func(tx *ServerTx, req *Request) {
			if tx.Respond(NewResponse(req, 200, "")) == nil {
				t.Error("it was sent")
			}
		}})
		wire.in <- requestText("OPTIONS", "ua", fakeRemote)
		synctest.Wait()
		if n := len(wire.lines()); n != 0 {
			t.Errorf("%d messages", n)
		}
	})
}
