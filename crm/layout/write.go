package layout

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"offhook/internal/text"
)

// JSON writes the layout in exactly getSoftphoneLayout's shape, with our own members under "x-". What Parse reads of it is the same
// layout again.
func (l Layout) JSON() []byte {
	root := node{kind: '{'}
	add := func(name string, v node) { root.members = append(root.members, member{name, v}) }
	if l.Name != "" {
		add("x-name", node{kind: '"', text: l.Name})
	}
	add(directionInternal, l.Internal.node())
	add(directionInbound, l.Inbound.node())
	add(directionOutbound, l.Outbound.node())
	root.members = l.Extra.append(root.members)
	var out bytes.Buffer
	if json.Indent(&out, root.append(nil), "", "  ") != nil { // Extra was not read by Parse and is no JSON
		return root.append(nil)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func (e Extra) append(list []member) []member {
	for _, name := range slices.Sorted(maps.Keys(e)) {
		list = append(list, member{name, node{kind: 'r', text: string(e[name])}})
	}
	return list
}

func (c CallType) node() node {
	fields, objects := node{kind: '['}, node{kind: '{'}
	for _, f := range c.Fields {
		fields.list = append(fields.list, node{kind: '"', text: f})
	}
	for _, o := range c.Objects {
		items := node{kind: '['}
		for _, f := range o.Fields {
			items.list = append(items.list, node{kind: '{', members: []member{
				{"displayName", node{kind: '"', text: f.Label.Or(text.Clean(f.Name)).String()}}, {"apiName", node{kind: '"', text: f.Name}},
			}})
		}
		objects.members = append(objects.members, member{o.Name, items})
	}
	settings := node{kind: '{'}
	if c.Within != "" {
		settings.members = append(settings.members, member{"screenPopsOpenWithin", node{kind: '"', text: c.Within}})
	}
	for _, p := range []struct {
		name string
		pop  Pop
	}{{"NoMatch", c.NoMatch}, {"SingleMatch", c.Single}, {"MultipleMatches", c.Multiple}} {
		if p.pop.Type == PopNone {
			continue // Salesforce leaves "don't pop" away
		}
		v := node{kind: '{', members: []member{{"screenPopType", node{kind: '"', text: string(p.pop.Type)}}}}
		if p.pop.Data != "" {
			v.members = append(v.members, member{"screenPopData", node{kind: '"', text: p.pop.Data}})
		}
		settings.members = append(settings.members, member{p.name, v})
	}
	out := node{kind: '{', members: []member{{"callRelatedFields", fields}, {"objects", objects}, {"screenPopSettings", settings}}}
	out.members = c.Extra.append(out.members)
	return out
}
