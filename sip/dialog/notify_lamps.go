package dialog

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"offhook/sip/transaction"
)

// DialogInfo is one application/dialog-info+xml document (RFC 4235 §4). All texts are raw, from outside.
type DialogInfo struct {
	Version uint32
	Full    bool   // state="full": whatever it does not name is over
	Entity  string // whose dialogs, a URI
	Dialogs []WatchedDialog
}

// WatchedDialog is a call of an extension that is watched.
type WatchedDialog struct {
	ID, CallID          string
	LocalTag, RemoteTag string
	Initiator           bool   // the watched one calls
	State               string // "trying", "proceeding", "early", "confirmed", "terminated"
	Event               string // why it is in this state: "cancelled", "rejected", "replaced", "local-bye", "remote-bye", "error", "timeout"
	Code                int    // status of that, 0: none
	Local, Remote       Participant
}

// Participant is one end of a watched dialog.
type Participant struct {
	Identity transaction.Address // zero: not told
	Target   string              // a URI
	OnHold   bool                // sip.rendering is "no" (RFC 5359 §4.3 uses it so)
}

// Lamp is what the dialogs of an extension come to.
type Lamp string

// Lamps.
const (
	LampUnknown Lamp = "unknown"
	LampIdle    Lamp = "idle"
	LampRinging Lamp = "ringing" // somebody calls it, and it could be picked up
	LampBusy    Lamp = "busy"
)

// LampOf is the lamp of a set of dialogs, and the one dialog that it burns for.
func LampOf(dialogs []WatchedDialog) (Lamp, WatchedDialog) {
	lamp, of := LampIdle, WatchedDialog{}
	for _, d := range dialogs {
		switch d.State {
		case "confirmed":
			return LampBusy, d
		case "trying", "proceeding", "early":
			if !d.Initiator && lamp != LampRinging {
				lamp, of = LampRinging, d
			} else if lamp == LampIdle {
				lamp, of = LampBusy, d
			}
		}
	}
	return lamp, of
}

// Limits of a document that a stranger sends.
const (
	maxInfo     = 256 << 10
	maxDepth    = 16
	maxDialogs  = 256
	maxInfoText = 1024
)

// ErrDialogInfo: a document that cannot be read, or goes beyond all measure.
var ErrDialogInfo = errors.New("bad dialog-info document")

const dialogInfoNS = "urn:ietf:params:xml:ns:dialog-info"

// ParseDialogInfo reads a document. Elements of other namespaces are passed over; none at all is taken for RFC 4235's, as some exchanges
// leave it out. Document types and entities of its own are refused. Errors wrap ErrDialogInfo.
func ParseDialogInfo(body []byte) (DialogInfo, error) {
	if len(body) > maxInfo {
		return DialogInfo{}, fmt.Errorf("%w: too large", ErrDialogInfo)
	}
	r := infoReader{d: xml.NewDecoder(bytes.NewReader(body))}
	for {
		tok, err := r.d.Token()
		switch {
		case err == io.EOF && r.done && len(r.path) == 0:
			return r.info, nil
		case err != nil:
			return DialogInfo{}, fmt.Errorf("%w: %w", ErrDialogInfo, err)
		}
		switch tok := tok.(type) {
		case xml.Directive:
			return DialogInfo{}, fmt.Errorf("%w: a document type", ErrDialogInfo)
		case xml.StartElement:
			err = r.start(tok)
		case xml.EndElement:
			r.end()
		case xml.CharData:
			if len(r.text) < maxInfoText {
				r.text = append(r.text, tok[:min(len(tok), maxInfoText)]...)
			}
		}
		if err != nil {
			return DialogInfo{}, err
		}
	}
}

// infoReader walks through a document; path are the open elements, "" for one that means nothing to us.
type infoReader struct {
	d    *xml.Decoder
	path []string
	text []byte
	info DialogInfo
	done bool
}

func (r *infoReader) start(e xml.StartElement) error {
	name := e.Name.Local
	if e.Name.Space != dialogInfoNS && e.Name.Space != "" {
		name = ""
	}
	if len(r.path) == 0 && (name != "dialog-info" || r.done) {
		return fmt.Errorf("%w: it begins with %.40q", ErrDialogInfo, e.Name.Local)
	}
	if len(r.path) >= maxDepth {
		return fmt.Errorf("%w: nested too deeply", ErrDialogInfo)
	}
	r.path, r.text = append(r.path, name), r.text[:0]
	at := map[string]string{}
	for _, a := range e.Attr {
		if a.Name.Space == "" {
			at[a.Name.Local] = a.Value[:min(len(a.Value), maxInfoText)]
		}
	}
	switch strings.Join(r.path, "/") {
	case "dialog-info":
		v, err := strconv.ParseUint(strings.TrimSpace(at["version"]), 10, 32)
		if err != nil {
			return fmt.Errorf("%w: no version", ErrDialogInfo)
		}
		r.info.Version, r.info.Full, r.info.Entity = uint32(v), at["state"] != "partial", at["entity"]
		r.done = true
	case "dialog-info/dialog":
		if len(r.info.Dialogs) >= maxDialogs {
			return fmt.Errorf("%w: too many dialogs", ErrDialogInfo)
		}
		if at["id"] == "" {
			return fmt.Errorf("%w: a dialog without id", ErrDialogInfo)
		}
		r.info.Dialogs = append(r.info.Dialogs, WatchedDialog{
			ID: at["id"], CallID: at["call-id"], LocalTag: at["local-tag"], RemoteTag: at["remote-tag"], Initiator: at["direction"] == "initiator",
		})
	case "dialog-info/dialog/state":
		d := r.last()
		d.Event = at["event"]
		d.Code, _ = strconv.Atoi(at["code"])
		if d.Code < 100 || d.Code > 699 {
			d.Code = 0
		}
	case "dialog-info/dialog/local/identity", "dialog-info/dialog/remote/identity":
		r.party().Identity.Display = at["display"]
	case "dialog-info/dialog/local/target", "dialog-info/dialog/remote/target":
		r.party().Target = at["uri"]
	case "dialog-info/dialog/local/target/param", "dialog-info/dialog/remote/target/param":
		if v := at["pval"]; strings.EqualFold(at["pname"], "+sip.rendering") || strings.EqualFold(at["pname"], "sip.rendering") {
			r.party().OnHold = strings.EqualFold(v, "no")
		}
	}
	return nil
}

func (r *infoReader) last() *WatchedDialog { return &r.info.Dialogs[len(r.info.Dialogs)-1] }

// party is the end that the open element belongs to.
func (r *infoReader) party() *Participant {
	if r.path[2] == "local" {
		return &r.last().Local
	}
	return &r.last().Remote
}

func (r *infoReader) end() {
	switch strings.Join(r.path, "/") {
	case "dialog-info/dialog/state":
		r.last().State = strings.ToLower(strings.TrimSpace(string(r.text)))
	case "dialog-info/dialog/local/identity", "dialog-info/dialog/remote/identity":
		if u, err := transaction.ParseURI(strings.TrimSpace(string(r.text))); err == nil {
			r.party().Identity.URI = u
		}
	}
	r.path, r.text = r.path[:len(r.path)-1], r.text[:0]
}

// lamps is what one notifier has told of an entity's dialogs.
type lamps struct {
	known   bool // a document has come
	version uint32
	list    []WatchedDialog
}

// apply takes a document over (RFC 4235 §4.1). complete is false when something before it is missing, so that the full state must be
// asked for. A full one counts whatever its version is: NOTIFYs come in order, and some exchanges begin to count anew.
func (l *lamps) apply(doc DialogInfo) (complete bool) {
	switch {
	case doc.Full:
		l.list = nil
		complete = true
	case !l.known:
	case doc.Version <= l.version:
		return true // told before
	default:
		complete = doc.Version == l.version+1
	}
	l.known, l.version = true, doc.Version
	for _, d := range doc.Dialogs {
		i := 0
		for i < len(l.list) && l.list[i].ID != d.ID {
			i++
		}
		switch over := d.State == "terminated"; {
		case over && i < len(l.list):
			l.list = append(l.list[:i:i], l.list[i+1:]...)
		case over:
		case i < len(l.list):
			l.list[i] = d
		case len(l.list) < maxDialogs:
			l.list = append(l.list, d)
		}
	}
	return complete
}
