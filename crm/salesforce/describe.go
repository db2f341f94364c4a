package salesforce

import (
	"context"
	"encoding/base64"
	"strings"
)

// Describe is what an object looks like to this user.
type Describe struct {
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	KeyPrefix  string  `json:"keyPrefix"`
	Createable bool    `json:"createable"`
	Updateable bool    `json:"updateable"`
	Fields     []Field `json:"fields"`
}

// whole: every object has fields.
func (d *Describe) whole() bool { return len(d.Fields) > 0 }

// Field is one field of an object.
type Field struct {
	Name         string     `json:"name"`
	Label        string     `json:"label"`
	Type         string     `json:"type"`
	Length       int        `json:"length"`
	Precision    int        `json:"precision"` // of a number: digits in all …
	Scale        int        `json:"scale"`     // … and after the point
	Digits       int        `json:"digits"`    // of an integer
	Createable   bool       `json:"createable"`
	Updateable   bool       `json:"updateable"`
	Nillable     bool       `json:"nillable"`
	Defaulted    bool       `json:"defaultedOnCreate"`
	ExternalID   bool       `json:"externalId"`
	Unique       bool       `json:"unique"`
	Filterable   bool       `json:"filterable"`
	NameField    bool       `json:"nameField"`
	Custom       bool       `json:"custom"`
	Restricted   bool       `json:"restrictedPicklist"`
	Dependent    bool       `json:"dependentPicklist"`
	Controller   string     `json:"controllerName"` // of a dependent picklist: the field that decides which values are offered
	Help         string     `json:"inlineHelpText"`
	Default      any        `json:"defaultValue"`        // text, bool or json.Number; nil for none
	Formula      string     `json:"defaultValueFormula"` // may be a literal: "text", 5, TRUE
	AutoNumber   bool       `json:"autoNumber"`
	Relationship string     `json:"relationshipName"`
	ReferenceTo  []string   `json:"referenceTo"`
	Picklist     []Picklist `json:"picklistValues"`
}

// Picklist is one value of a picklist.
type Picklist struct {
	Value   string `json:"value"`
	Label   string `json:"label"`
	Active  bool   `json:"active"`
	Default bool   `json:"defaultValue"`
	// ValidFor says for which of the controlling field's values a value of a dependent picklist is offered: a bitmap in base64, the
	// first value is the highest bit of the first byte.
	ValidFor string `json:"validFor"`
}

// OfferedFor reports whether a value of a dependent picklist is offered for the controlling field's value of this index, counted over
// all of them, active or not. A value without a bitmap is offered always; one whose bitmap cannot be read, too: Salesforce decides.
func (p Picklist) OfferedFor(i int) bool {
	if p.ValidFor == "" {
		return true
	}
	bits, err := base64.StdEncoding.DecodeString(p.ValidFor)
	if err != nil {
		return true
	}
	return i >= 0 && i/8 < len(bits) && bits[i/8]&(0x80>>(i%8)) != 0
}

// Field returns the field of that API name, whatever its case.
func (d *Describe) Field(name string) (Field, bool) {
	if d != nil {
		for _, f := range d.Fields {
			if strings.EqualFold(f.Name, name) {
				return f, true
			}
		}
	}
	return Field{}, false
}

// Has reports whether the field exists for this user.
func (d *Describe) Has(name string) bool {
	_, ok := d.Field(name)
	return ok
}

// NameField returns the field that names a record of the object: Name, CaseNumber, Subject.
func (d *Describe) NameField() string {
	if d != nil {
		for _, f := range d.Fields {
			if f.NameField {
				return f.Name
			}
		}
	}
	return "Name"
}

// CompactLayout is an object's primary compact layout: the fields of its record card, in order.
type CompactLayout struct {
	Name   string
	Label  string
	Object string
	Items  []LayoutItem
}

// LayoutItem is one line of a compact layout: a label over one or more fields.
type LayoutItem struct {
	Label  string
	Fields []string
}

// Describe returns the object's description. It is cached; after a quarter of an hour Salesforce is asked whether it
// changed (If-Modified-Since, 304), after a day it is read whole, and an outage leaves the old one in use.
func (c *Client) Describe(ctx context.Context, object Ident) (*Describe, error) {
	return conditional(ctx, c, &c.describes, object, describePath, func(d *Describe) *Describe { return d })
}

// Forget drops what is cached about an object: Salesforce has just refused something that its description allowed.
func (c *Client) Forget(object Ident) {
	c.describes.drop(object)
	c.compacts.drop(object)
	c.layouts.drop(object)
	for _, suffix := range []string{describePath, compactPath, layoutPath} {
		c.disk.drop(c.disk.file(c.session.peek(), object, suffix))
	}
}

// What is cached of an object, below /sobjects/X.
const (
	describePath = "/describe"
	compactPath  = "/describe/compactLayouts/primary"
)

// compactWire is a compact layout on the wire.
type compactWire struct {
	Name       string `json:"name"`
	Label      string `json:"label"`
	ObjectType string `json:"objectType"`
	FieldItems []struct {
		Label      string `json:"label"`
		Components []struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"layoutComponents"`
	} `json:"fieldItems"`
}

// CompactLayout returns the object's primary compact layout, cached like Describe.
func (c *Client) CompactLayout(ctx context.Context, object Ident) (*CompactLayout, error) {
	return conditional(ctx, c, &c.compacts, object, compactPath, func(w *compactWire) *CompactLayout {
		l := &CompactLayout{Name: w.Name, Label: w.Label, Object: w.ObjectType}
		for _, it := range w.FieldItems {
			item := LayoutItem{Label: it.Label}
			for _, comp := range it.Components {
				if comp.Type == "Field" && Ident(comp.Value).Valid() {
					item.Fields = append(item.Fields, comp.Value)
				}
			}
			if len(item.Fields) > 0 {
				l.Items = append(l.Items, item)
			}
		}
		return l
	})
}
