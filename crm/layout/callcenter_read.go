package layout

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"offhook/internal/text"
)

// Dialect is one of the two ways in which call centres are written.
type Dialect string

// Dialects.
const (
	DialectSetup    Dialect = "setup"    // the definition file that Setup, Call Centers, Import takes
	DialectMetadata Dialect = "metadata" // *.callCenter and *.callCenter-meta.xml of the Metadata API
)

// Limits of a definition.
const (
	maxSections    = 100
	maxItems       = 200
	maxValue       = 32 << 10
	maxXMLDepth    = 8
	maxXMLElements = 20_000
	metadataXMLNS  = "http://soap.sforce.com/2006/04/metadata"
)

// element is one XML element with what is of use here.
type element struct {
	name     string
	attr     map[string]string
	text     strings.Builder
	children []*element
}

func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return &element{}
}

func (e *element) all(name string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// readXML reads a document into elements. It refuses declarations, of which entities are made that grow without end, and whatever
// is deeper or larger than a definition is.
func readXML(raw []byte) (*element, error) {
	if len(raw) > maxInput {
		return nil, errors.New("the file is larger than a megabyte: that is no call centre")
	}
	dec := xml.NewDecoder(bytes.NewReader(raw))
	dec.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it is written in %s: save it as UTF-8", text.Clean(charset).Runes(40))
	}
	var root *element
	var stack []*element
	count := 0
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			if root == nil {
				return nil, errors.New("there is nothing in the file")
			}
			return root, nil
		}
		if err != nil {
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				return nil, fmt.Errorf("line %d: %s", syntax.Line, text.Clean(syntax.Msg).Runes(120))
			}
			return nil, err
		}
		line, _ := dec.InputPos()
		switch tok := tok.(type) {
		case xml.Directive:
			return nil, fmt.Errorf("line %d: a declaration (DOCTYPE, ENTITY) is not accepted: take it out", line)
		case xml.StartElement:
			if count++; count > maxXMLElements || len(stack) >= maxXMLDepth || len(tok.Attr) > 20 {
				return nil, fmt.Errorf("line %d: no call centre is this large or this deep", line)
			}
			e := &element{name: tok.Name.Local, attr: map[string]string{}}
			for _, a := range tok.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			switch {
			case len(stack) > 0:
				top := stack[len(stack)-1]
				top.children = append(top.children, e)
			case root != nil:
				return nil, fmt.Errorf("line %d: a second call centre stands in the file", line)
			default:
				root = e
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text.Write(tok)
			}
		}
	}
}

// ParseCallCenter reads a call centre in either dialect and says which it was. It never refuses settings that it does not know:
// vendors use names of the form req… for their own. What Salesforce would refuse is told by Check.
func ParseCallCenter(raw []byte) (CallCenter, Dialect, []Warning, error) {
	root, err := readXML(raw)
	if err != nil {
		return CallCenter{}, "", nil, err
	}
	r := &centreReader{}
	var c CallCenter
	dialect := DialectSetup
	switch root.name {
	case "callCenter":
		c = r.setup(root)
	case "CallCenter":
		dialect = DialectMetadata
		c = r.metadata(root)
	default:
		return CallCenter{}, "", nil, fmt.Errorf("the file begins with <%s>: a call centre begins with <callCenter> (Setup) or <CallCenter> (Metadata API)", text.Clean(root.name).Runes(40))
	}
	if len(c.Sections) == 0 {
		return CallCenter{}, "", nil, errors.New("the call centre has no section")
	}
	return c, dialect, r.warnings, nil
}

type centreReader struct{ parser }

func label(s string) text.Text { return text.Clean(s).Runes(1000) }

func value(e *element) text.Block {
	return text.CleanBlock(strings.TrimSpace(e.text.String()), maxValue)
}

// setup reads the definition file: everything is an attribute or an item's text.
func (r *centreReader) setup(root *element) CallCenter {
	var c CallCenter
	for _, e := range root.children {
		if e.name != "section" {
			r.warn("<%s> is not known: it was left out", e.name)
			continue
		}
		s := Section{Name: text.Clean(e.attr["name"]).String(), Label: label(e.attr["label"]), Order: r.order(e)}
		for _, it := range e.children {
			if it.name != "item" {
				r.warn("section %s: <%s> is not known: it was left out", s.Name, it.name)
				continue
			}
			s.Items = r.addItem(s, Item{Name: text.Clean(it.attr["name"]).String(), Label: label(it.attr["label"]), Order: r.order(it), Value: value(it)})
		}
		slices.SortStableFunc(s.Items, func(a, b Item) int { return place(a.Order) - place(b.Order) })
		c.Sections = r.addSection(c, s)
	}
	slices.SortStableFunc(c.Sections, func(a, b Section) int { return place(a.Order) - place(b.Order) })
	if it, ok := c.item(generalSection, internalName); ok {
		c.InternalNameLabel = it.Label
	}
	if it, ok := c.item(generalSection, displayName); ok {
		c.DisplayNameLabel = it.Label
	}
	return c
}

// place puts what has no order behind what has one.
func place(order int) int {
	if order < 0 {
		return 1 << 20
	}
	return order
}

// order reads a sortOrder, which Salesforce itself writes as 2 and as 2.0.
func (r *centreReader) order(e *element) int {
	s, given := e.attr["sortOrder"]
	if !given {
		return -1
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || f < 0 || f > 10_000 || f != float64(int(f)) {
		r.warn("sortOrder %q of %s is no whole number: it stands last", s, e.attr["name"])
		return -1
	}
	return int(f)
}

func (r *centreReader) addSection(c CallCenter, s Section) []Section {
	switch {
	case len(c.Sections) == maxSections:
		r.warn("only the first %d sections were taken", maxSections)
		return c.Sections
	case s.Name == "":
		r.warn("a section has no name: it was left out")
		return c.Sections
	}
	return append(c.Sections, s)
}

func (r *centreReader) addItem(s Section, it Item) []Item {
	switch {
	case len(s.Items) == maxItems:
		r.warn("section %s: only the first %d items were taken", s.Name, maxItems)
		return s.Items
	case it.Name == "":
		r.warn("section %s: an item has no name: it was left out", s.Name)
		return s.Items
	}
	return append(s.Items, it)
}

// metadata reads the Metadata API's file. What stands there beside the sections is put into the general information, where the other
// dialect has it.
func (r *centreReader) metadata(root *element) CallCenter {
	var c CallCenter
	c.DisplayNameLabel = label(root.child("displayNameLabel").text.String())
	c.InternalNameLabel = label(root.child("internalNameLabel").text.String())
	c.Version = label(root.child("version").text.String())
	c.CustomSettings = value(root.child("customSettings"))
	if s := c.CustomSettings.String(); s != "" {
		if _, notes, err := readJSON([]byte(s)); err != nil {
			r.warn("customSettings is no JSON (%s): it is kept as it is", err)
		} else if len(notes) > 0 {
			r.warn("customSettings is not quite JSON: %s", strings.Join(notes, ", "))
		}
	}
	known := []string{"sections", "displayNameLabel", "internalNameLabel", "version", "customSettings", "adapterUrl", "displayName"}
	for _, e := range root.children {
		if !slices.Contains(known, e.name) {
			r.warn("<%s> is not known: it was left out", e.name)
		}
	}
	for _, e := range root.all("sections") {
		s := Section{Name: value(e.child("name")).String(), Label: label(e.child("label").text.String()), Order: -1}
		for _, it := range e.all("items") {
			s.Items = r.addItem(s, Item{Name: value(it.child("name")).String(), Label: label(it.child("label").text.String()), Order: -1, Value: value(it.child("value"))})
		}
		c.Sections = r.addSection(c, s)
	}
	if e := root.child("displayName"); e.name != "" {
		c = c.with(displayName, c.DisplayNameLabel.Or(text.Clean("Display Name")).String(), e.text.String(), 0)
	}
	if e := root.child("adapterUrl"); e.name != "" {
		c = c.with(adapterURL, "CTI Adapter URL", e.text.String(), 1)
	}
	return c
}
