package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// Limits of a layout.
const (
	maxObjects    = 50
	maxFields     = 60
	maxCallFields = 40
	maxName       = 80 // characters of an API name
	maxData       = 255
)

// Warning is one thing in a file that was not taken as it stands, in a line for the administrator.
type Warning = text.Text

// Parse reads a layout as getSoftphoneLayout gives it: the value itself, or the whole reply of the method. It forgives what people
// get wrong by hand, and what the published sample gets wrong; what it forgave, and what it left out, is in the warnings. The
// error says the line.
func Parse(raw []byte) (Layout, []Warning, error) {
	n, notes, err := readJSON(raw)
	if err != nil {
		return Layout{}, nil, err
	}
	if n, err = unwrap(n); err != nil {
		return Layout{}, nil, err
	}
	p := &parser{}
	for _, s := range notes {
		p.warn("%s", s)
	}
	l, err := p.layout(n)
	return l, p.warnings, err
}

// unwrap takes the layout out of a reply: {success, returnValue} in Lightning, {result} with a text in it in Classic.
func unwrap(n node) (node, error) {
	for range 3 {
		inner, ok := n.get("returnValue")
		if !ok {
			inner, ok = n.get("result")
		}
		if !ok {
			break
		}
		n = inner
		if n.kind == '"' {
			v, _, err := readJSON([]byte(n.text))
			if err != nil {
				return node{}, fmt.Errorf("the layout inside the reply: %w", err)
			}
			n = v
		}
	}
	if n.kind != '{' {
		return node{}, errors.New("there is no layout: it begins with { and has Inbound, Outbound and Internal")
	}
	return n, nil
}

type parser struct {
	warnings []Warning
}

const maxWarnings = 100

func (p *parser) warn(format string, args ...any) {
	if len(p.warnings) < maxWarnings {
		p.warnings = append(p.warnings, text.Clean(fmt.Sprintf(format, args...)))
	}
}

func (p *parser) layout(n node) (Layout, error) {
	var l Layout
	found := false
	for _, m := range last(n.members) {
		var err error
		switch lower := strings.ToLower(m.name); {
		case lower == "inbound":
			l.Inbound, err = p.callType(directionInbound, m.value)
			found = true
		case lower == "outbound":
			l.Outbound, err = p.callType(directionOutbound, m.value)
			found = true
		case lower == "internal":
			l.Internal, err = p.callType(directionInternal, m.value)
			found = true
		case lower == "x-name" && m.value.kind == '"':
			l.Name = text.Clean(m.value.text).Runes(maxData).String()
		case strings.HasPrefix(lower, "x-"):
			l.Extra = keep(l.Extra, m)
		default:
			p.warn("%q is no kind of call: it was left out", m.name)
		}
		if err != nil {
			return Layout{}, err
		}
	}
	if !found {
		return Layout{}, errors.New("there is no layout: neither Inbound nor Outbound nor Internal is there")
	}
	return l, nil
}

// last keeps the last of members that have one name, in order.
func last(list []member) []member {
	var out []member
	for i, m := range list {
		if !slices.ContainsFunc(list[i+1:], func(o member) bool { return strings.EqualFold(o.name, m.name) }) {
			out = append(out, m)
		}
	}
	return out
}

func keep(e Extra, m member) Extra {
	if e == nil {
		e = Extra{}
	}
	e[m.name] = json.RawMessage(m.value.append(nil))
	return e
}

func (p *parser) callType(which string, n node) (CallType, error) {
	var c CallType
	if n.kind != '{' {
		return c, fmt.Errorf("%s is no object in braces", which)
	}
	for _, m := range last(n.members) {
		switch lower := strings.ToLower(m.name); {
		case lower == "callrelatedfields":
			c.Fields = p.callFields(which, m.value)
		case lower == "objects":
			c.Objects = p.objects(which, m.value)
		case lower == "screenpopsettings":
			p.settings(which, &c, m.value)
		case strings.HasPrefix(lower, "x-"):
			c.Extra = keep(c.Extra, m)
		default:
			p.warn("%s: %q is not known: it was left out", which, m.name)
		}
	}
	return c, nil
}

func (p *parser) callFields(which string, n node) []string {
	var out []string
	for _, v := range n.list {
		name := text.Clean(v.str()).Runes(maxName).String()
		switch {
		case name == "":
			p.warn("%s: callRelatedFields has something that is no name: it was left out", which)
		case slices.Contains(out, name):
		case len(out) == maxCallFields:
			p.warn("%s: only the first %d callRelatedFields were taken", which, maxCallFields)
			return out
		default:
			out = append(out, name)
		}
	}
	return out
}

// apiName reports whether a name can be one of Salesforce's. Objects have no dot.
func apiName(s string, dots bool) bool {
	return len(s) <= maxName && salesforce.Ident(s).Valid() && (dots || !strings.Contains(s, "."))
}

func (p *parser) objects(which string, n node) []Object {
	var out []Object
	if n.kind != '{' && n.kind != 'n' {
		p.warn("%s: objects is no object in braces: nothing is searched", which)
	}
	for _, m := range last(n.members) {
		if !apiName(m.name, false) {
			p.warn("%s: %q is no name of a Salesforce object: it was left out", which, m.name)
			continue
		}
		if len(out) == maxObjects {
			p.warn("%s: only the first %d objects were taken", which, maxObjects)
			break
		}
		out = append(out, Object{Name: m.name, Fields: p.fields(which, m.name, m.value)})
	}
	return out
}

func (p *parser) fields(which, object string, n node) []Field {
	var out []Field
	for _, v := range n.list {
		f := Field{Name: v.str()} // a bare name, as people write it by hand
		if v.kind == '{' {
			api, _ := v.get("apiName")
			label, _ := v.get("displayName")
			f = Field{Name: api.str(), Label: text.Clean(label.str()).Runes(maxData)}
		}
		switch {
		case !apiName(f.Name, true):
			p.warn("%s: %s has a field without a proper apiName (%q): it was left out", which, object, f.Name)
		case slices.ContainsFunc(out, func(o Field) bool { return o.Name == f.Name }):
		case len(out) == maxFields:
			p.warn("%s: only the first %d fields of %s were taken", which, maxFields, object)
			return out
		default:
			out = append(out, f)
		}
	}
	return out
}

func (p *parser) settings(which string, c *CallType, n node) {
	if n.kind != '{' && n.kind != 'n' {
		p.warn("%s: screenPopSettings is no object in braces: nothing pops", which)
	}
	for _, m := range last(n.members) {
		switch lower := strings.ToLower(m.name); {
		case lower == "screenpopsopenwithin":
			c.Within = text.Clean(m.value.str()).Runes(maxName).String()
		case lower == "nomatch":
			c.NoMatch = p.pop(which+" NoMatch", m.value)
		case lower == "singlematch":
			c.Single = p.pop(which+" SingleMatch", m.value)
		case lower == "multiplematches":
			c.Multiple = p.pop(which+" MultipleMatches", m.value)
		default:
			p.warn("%s: screenPopSettings has %q, which is not known: it was left out", which, m.name)
		}
	}
}

// popTypes are the values of screenPopType.
var popTypes = []PopType{PopToDetails, PopToEntity, PopToSearch, PopToVisualforce, PopToFlow}

func (p *parser) pop(where string, n node) Pop {
	kind, _ := n.get("screenPopType")
	data, _ := n.get("screenPopData")
	return p.makePop(where, kind.str(), data.str())
}

func (p *parser) makePop(where, kind, data string) Pop {
	kind = text.Clean(kind).String()
	if kind == "" || strings.EqualFold(kind, "none") || strings.EqualFold(kind, "DoNotPop") {
		return Pop{}
	}
	i := slices.IndexFunc(popTypes, func(t PopType) bool { return strings.EqualFold(string(t), kind) })
	if i < 0 {
		p.warn("%s: %q is no kind of screen pop: nothing pops", where, kind)
		return Pop{}
	}
	out := Pop{Type: popTypes[i], Data: text.Clean(data).Runes(maxData).String()}
	if out.Data == "None" || out.Data == "–None–" || out.Data == "--None--" {
		out.Data = ""
	}
	switch {
	case out.Type == PopToSearch || out.Type == PopToDetails:
		out.Data = "" // these need none
	case out.Type == PopToEntity && out.Data != "" && !apiName(out.Data, false):
		p.warn("%s: %q is no Salesforce object: Lead is made instead", where, out.Data)
		out.Data = ""
	case (out.Type == PopToVisualforce || out.Type == PopToFlow) && out.Data == "":
		p.warn("%s: %s without a page or flow: nothing pops", where, out.Type)
		return Pop{}
	}
	return out
}

// FromDescribe makes a layout of the answer of describeSoftphoneLayout. It has no labels: Salesforce tells those elsewhere.
func FromDescribe(d salesforce.SoftphoneLayout) (Layout, []Warning) {
	p := &parser{}
	l := Layout{Name: text.Clean(d.Name).Runes(maxData).String()}
	for _, t := range d.CallTypes {
		c := CallType{Within: text.Clean(t.OpenWithin).Runes(maxName).String()}
		fields := node{kind: '['}
		for _, f := range t.InfoFields {
			fields.list = append(fields.list, node{kind: '"', text: f})
		}
		c.Fields = p.callFields(t.Name, fields)
		objects := node{kind: '{'}
		for _, s := range t.Sections {
			items := node{kind: '['}
			for _, it := range s.Items {
				items.list = append(items.list, node{kind: '"', text: it})
			}
			objects.members = append(objects.members, member{s.Entity, items})
		}
		c.Objects = p.objects(t.Name, objects)
		for _, o := range t.Pops {
			pop := p.makePop(t.Name+" "+o.Match, o.Type, o.Data)
			switch o.Match {
			case "NoMatch":
				c.NoMatch = pop
			case "SingleMatch":
				c.Single = pop
			case "MultipleMatches":
				c.Multiple = pop
			default:
				p.warn("%s: %q is no match of a screen pop: it was left out", t.Name, o.Match)
			}
		}
		switch {
		case strings.EqualFold(t.Name, directionInbound):
			l.Inbound = c
		case strings.EqualFold(t.Name, directionOutbound):
			l.Outbound = c
		case strings.EqualFold(t.Name, directionInternal):
			l.Internal = c
		default:
			p.warn("%q is no kind of call: it was left out", t.Name)
		}
	}
	return l, p.warnings
}
