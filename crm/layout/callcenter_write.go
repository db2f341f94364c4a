package layout

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"offhook/internal/text"
)

// WriteCallCenter writes a call centre in a dialect. The definition file gets its sortOrder anew, consecutive from 0; the Metadata
// file leaves out the internal name, which is the file's own name there, and the definition file the custom settings and the version,
// for which it has no place.
func WriteCallCenter(c CallCenter, d Dialect) []byte {
	if d == DialectMetadata {
		return c.metadata()
	}
	return c.setup()
}

// xmlWriter writes indented XML; bytes.Buffer refuses nothing.
type xmlWriter struct {
	bytes.Buffer
	depth int
}

func (w *xmlWriter) indent() { w.WriteString(strings.Repeat("    ", w.depth)) }

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func (w *xmlWriter) open(tag string, attrs ...string) {
	w.indent()
	w.WriteString("<" + tag)
	for i := 0; i+1 < len(attrs); i += 2 {
		fmt.Fprintf(w, ` %s="%s"`, attrs[i], escaped(attrs[i+1]))
	}
}

func (w *xmlWriter) leaf(tag, value string, attrs ...string) {
	w.open(tag, attrs...)
	fmt.Fprintf(w, ">%s</%s>\n", escaped(value), tag)
}

func (w *xmlWriter) begin(tag string, attrs ...string) {
	w.open(tag, attrs...)
	w.WriteString(">\n")
	w.depth++
}

func (w *xmlWriter) end(tag string) {
	w.depth--
	w.indent()
	w.WriteString("</" + tag + ">\n")
}

// labelOr gives a setting without a label its name: Salesforce shows labels to administrators and needs one.
func labelOr(l text.Text, name string) string { return l.Or(text.Clean(name)).String() }

func (c CallCenter) setup() []byte {
	w := &xmlWriter{}
	w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	w.begin("callCenter")
	for i, s := range c.Sections {
		w.begin("section", "sortOrder", fmt.Sprint(i), "name", s.Name, "label", labelOr(s.Label, s.Name))
		for j, it := range s.Items {
			l := labelOr(it.Label, it.Name)
			switch {
			case it.Name == internalName && !c.InternalNameLabel.Empty():
				l = c.InternalNameLabel.String()
			case it.Name == displayName && !c.DisplayNameLabel.Empty():
				l = c.DisplayNameLabel.String()
			}
			w.leaf("item", it.Value.String(), "sortOrder", fmt.Sprint(j), "name", it.Name, "label", l)
		}
		w.end("section")
	}
	w.end("callCenter")
	return w.Bytes()
}

func (c CallCenter) metadata() []byte {
	w := &xmlWriter{}
	w.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	w.begin("CallCenter", "xmlns", metadataXMLNS)
	w.leaf("adapterUrl", c.AdapterURL())
	if !c.CustomSettings.Empty() {
		w.leaf("customSettings", c.CustomSettings.String())
	}
	w.leaf("displayName", c.DisplayName().String())
	w.leaf("displayNameLabel", labelOr(c.DisplayNameLabel, "Display Name"))
	w.leaf("internalNameLabel", labelOr(c.InternalNameLabel, "Internal Name"))
	for _, s := range c.Sections {
		items := slices.DeleteFunc(slices.Clone(s.Items), func(it Item) bool {
			return s.Name == generalSection && (it.Name == internalName || it.Name == displayName || it.Name == adapterURL)
		})
		w.begin("sections")
		for _, it := range items {
			w.begin("items")
			w.leaf("label", labelOr(it.Label, it.Name))
			w.leaf("name", it.Name)
			w.leaf("value", it.Value.String())
			w.end("items")
		}
		w.leaf("label", labelOr(s.Label, s.Name))
		w.leaf("name", s.Name)
		w.end("sections")
	}
	if v := c.version(); v != "" {
		w.leaf("version", v)
	}
	w.end("CallCenter")
	return w.Bytes()
}

// version is the API's version of the call centre: its own, else what an older definition says of itself.
func (c CallCenter) version() string {
	if !c.Version.Empty() {
		return c.Version.String()
	}
	return c.Value("reqVersion")
}

// Setting is one line of the flattened view.
type Setting struct {
	Key   string
	Value text.Block
}

// Flat is the call centre as getCallCenterSettings gives it to an adapter: one line per setting, with the keys it uses.
func (c CallCenter) Flat() []Setting {
	var out []Setting
	add := func(key, v string) { out = append(out, Setting{key, text.CleanBlock(v, maxValue)}) }
	add("/displayNameLabel", labelOr(c.DisplayNameLabel, "Display Name"))
	add("/internalNameLabel", labelOr(c.InternalNameLabel, "Internal Name"))
	add("/label", c.DisplayName().String())
	for i, s := range c.Sections {
		base := "/" + s.Name
		add(base+"/label", labelOr(s.Label, s.Name))
		add(base+"/sortOrder", fmt.Sprintf("%d.0", i))
		for j, it := range s.Items {
			add(base+"/"+it.Name, it.Value.String())
			add(base+"/"+it.Name+"/label", labelOr(it.Label, it.Name))
			add(base+"/"+it.Name+"/sortOrder", fmt.Sprintf("%d.0", j))
		}
	}
	return out
}
