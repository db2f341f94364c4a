package layout

import (
	"slices"
	"strings"

	"offhook/internal/text"
)

// CallCenter is a call centre's definition, the same whichever dialect of XML it was written in. What Salesforce knows of it stands
// in Sections under its own names (reqGeneralInfo, reqDialingOptions); everything else there is the vendor's.
type CallCenter struct {
	DisplayNameLabel  text.Text // what the Setup page calls the display name
	InternalNameLabel text.Text //
	Version           text.Text // Metadata API only
	CustomSettings    text.Block
	Sections          []Section
}

// Section is a part of the definition.
type Section struct {
	Name  string // API name, alphanumeric
	Label text.Text
	Order int // sortOrder as it was written; −1 when it was not
	Items []Item
}

// Item is one setting.
type Item struct {
	Name  string
	Label text.Text
	Order int
	Value text.Block
}

// Names that Salesforce gives a meaning.
const (
	generalSection = "reqGeneralInfo"
	dialingSection = "reqDialingOptions"
	internalName   = "reqInternalName"
	displayName    = "reqDisplayName"
	adapterURL     = "reqAdapterUrl"
	outsidePrefix  = "reqOutsidePrefix"
	longDistPrefix = "reqLongDistPrefix"
	worldPrefix    = "reqInternationalPrefix"
)

// DialingOptions are the digits that go in front of a number (reqDialingOptions).
type DialingOptions struct {
	Outside       string // of every number outside: "9"
	LongDistance  string // of numbers of the own country: "1"
	International string // of numbers abroad, in place of the plus: "011"
}

// Zero reports whether nothing goes in front of any number.
func (o DialingOptions) Zero() bool { return o == DialingOptions{} }

// item finds a setting by name: in the section that Salesforce puts it in, else anywhere.
func (c CallCenter) item(section, name string) (Item, bool) {
	var found *Item
	for i, s := range c.Sections {
		for j, it := range s.Items {
			if it.Name == name && (found == nil || s.Name == section) {
				found = &c.Sections[i].Items[j]
				if s.Name == section {
					return *found, true
				}
			}
		}
	}
	if found == nil {
		return Item{}, false
	}
	return *found, true
}

// Value returns a setting's text by its name, wherever it stands; "" when there is none.
func (c CallCenter) Value(name string) string {
	it, _ := c.item(generalSection, name)
	return it.Value.String()
}

// InternalName is the name that Salesforce knows the call centre by. A Metadata file does not tell it: it is the file's name.
func (c CallCenter) InternalName() string { return c.Value(internalName) }

// DisplayName is what people call it.
func (c CallCenter) DisplayName() text.Text { return text.Clean(c.Value(displayName)) }

// AdapterURL is the address of the softphone's page.
func (c CallCenter) AdapterURL() string { return c.Value(adapterURL) }

// Named returns the call centre with an internal name, as the first setting of its general information.
func (c CallCenter) Named(name string) CallCenter {
	return c.with(internalName, "Internal Name", name, 0)
}

// with sets a setting of the general information; a new one is put at a place.
func (c CallCenter) with(name, label, value string, at int) CallCenter {
	c.Sections = slices.Clone(c.Sections)
	i := slices.IndexFunc(c.Sections, func(s Section) bool { return s.Name == generalSection })
	if i < 0 {
		c.Sections = slices.Insert(c.Sections, 0, Section{Name: generalSection, Label: text.Clean("General Information"), Order: -1})
		i = 0
	}
	s := c.Sections[i]
	s.Items = slices.Clone(s.Items)
	v := text.CleanBlock(strings.TrimSpace(value), maxValue)
	if j := slices.IndexFunc(s.Items, func(it Item) bool { return it.Name == name }); j >= 0 {
		s.Items[j].Value = v
	} else {
		s.Items = slices.Insert(s.Items, min(at, len(s.Items)), Item{Name: name, Label: text.Clean(label), Order: -1, Value: v})
		for j := range s.Items {
			s.Items[j].Order = -1 // the written order holds no longer
		}
	}
	c.Sections[i] = s
	return c
}

// Dialing returns the dialing options: of the definition itself, else those that stand in its custom settings.
func (c CallCenter) Dialing() DialingOptions {
	get := func(name string) string {
		if it, ok := c.item(dialingSection, name); ok {
			return it.Value.String()
		}
		return ""
	}
	o := DialingOptions{Outside: get(outsidePrefix), LongDistance: get(longDistPrefix), International: get(worldPrefix)}
	if o.Zero() {
		o = SettingsDialing(c.CustomSettings.String())
	}
	return o.clean()
}

// clean keeps what a telephone can dial.
func (o DialingOptions) clean() DialingOptions {
	keep := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if r == ' ' || r == '-' {
				return -1
			}
			return r
		}, s)
		if !Dials(s) || len(s) > maxPrefix {
			return ""
		}
		return s
	}
	return DialingOptions{keep(o.Outside), keep(o.LongDistance), keep(o.International)}
}

// maxPrefix bounds a prefix: the longest that is in use (a carrier's code) has nine digits.
const maxPrefix = 12

// Dials reports whether a prefix can be dialled: digits, star and hash, or nothing.
func Dials(prefix string) bool { return strings.Trim(prefix, "0123456789*#") == "" }

// SettingsDialing finds dialing options in a call centre's custom settings, which are JSON of any shape. Nothing is found in what is
// no JSON.
func SettingsDialing(settings string) DialingOptions {
	n, _, err := readJSON([]byte(settings))
	if err != nil {
		return DialingOptions{}
	}
	var o DialingOptions
	var walk func(node)
	walk = func(n node) {
		for _, m := range n.members {
			v := m.value
			value := v.str()
			if v.kind == '0' {
				value = v.text
			}
			if inner, ok := v.get("value"); ok {
				value = inner.str()
			}
			name := m.name[strings.LastIndexByte(m.name, '/')+1:] // "/reqDialingOptions/reqOutsidePrefix", as getCallCenterSettings has it
			switch name {
			case outsidePrefix:
				o.Outside = value
			case longDistPrefix:
				o.LongDistance = value
			case worldPrefix:
				o.International = value
			default:
				walk(v)
			}
		}
		for _, v := range n.list {
			if name, ok := v.get("name"); ok {
				value, _ := v.get("value")
				walk(node{kind: '{', members: []member{{name.str(), value}}})
			}
			walk(v)
		}
	}
	walk(n)
	return o.clean()
}
