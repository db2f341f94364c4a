package device

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strconv"

	"github.com/jfreymuth/pulse/proto"
)

// protocolVersion is the newest version of the native protocol that the library speaks.
const protocolVersion = 32

// maxString is the longest string that the library reads; a longer one would end in the middle.
const maxString = 1023

// messages are the operations that a server sends by itself, as far as the library knows them.
func message(op uint32) any {
	switch op {
	case proto.OpRequest:
		return proto.Request{}
	case proto.OpOverflow:
		return proto.Overflow{}
	case proto.OpUnderflow:
		return proto.Underflow{}
	case proto.OpPlaybackStreamKilled:
		return proto.PlaybackStreamKilled{}
	case proto.OpRecordStreamKilled:
		return proto.RecordStreamKilled{}
	case proto.OpSubscribeEvent:
		return proto.SubscribeEvent{}
	case proto.OpPlaybackStreamSuspended:
		return proto.PlaybackStreamSuspended{}
	case proto.OpRecordStreamSuspended:
		return proto.RecordStreamSuspended{}
	case proto.OpPlaybackStreamMoved:
		return proto.PlaybackStreamMoved{}
	case proto.OpRecordStreamMoved:
		return proto.RecordStreamMoved{}
	case proto.OpClientEvent:
		return proto.ClientEvent{}
	case proto.OpPlaybackStreamEvent:
		return proto.PlaybackStreamEvent{}
	case proto.OpRecordStreamEvent:
		return proto.RecordStreamEvent{}
	case proto.OpStarted:
		return proto.Started{}
	case proto.OpPlaybackBufferAttrChanged:
		return proto.PlaybackBufferAttrChanged{}
	}
	return nil
}

// reply is the answer to an operation; nil is an answer without content. Only the operations of pulse.go are here.
func reply(op uint32) (one any, list bool) {
	switch op {
	case proto.OpAuth:
		return proto.AuthReply{}, false
	case proto.OpSetClientName:
		return proto.SetClientNameReply{}, false
	case proto.OpGetServerInfo:
		return proto.GetServerInfoReply{}, false
	case proto.OpGetSinkInfoList:
		return proto.GetSinkInfoReply{}, true
	case proto.OpGetSourceInfoList:
		return proto.GetSourceInfoReply{}, true
	case proto.OpCreatePlaybackStream:
		return proto.CreatePlaybackStreamReply{}, false
	case proto.OpCreateRecordStream:
		return proto.CreateRecordStreamReply{}, false
	case proto.OpSetPlaybackStreamBufferAttr:
		return proto.SetPlaybackStreamBufferAttrReply{}, false
	case proto.OpLoadModule:
		return proto.LoadModuleReply{}, false
	}
	return nil, false
}

// messageShape returns how many bytes of args the library reads for a message, or -1 when it does not know it.
func messageShape(op uint32, args []byte, version uint32) (int, error) {
	m := message(op)
	if m == nil {
		return -1, nil
	}
	s := shape{rest: args, version: version}
	if !s.fields(reflect.TypeOf(m)) {
		return 0, errFrame
	}
	return len(args) - len(s.rest), nil
}

// replyShape does the same for the reply to op. A list must end where its last element ends.
func replyShape(op uint32, args []byte, version uint32) (int, error) {
	one, list := reply(op)
	if one == nil {
		return len(args), nil // the library skips it whole
	}
	s := shape{rest: args, version: version}
	t := reflect.TypeOf(one)
	for more := true; more; more = list && len(s.rest) > 0 {
		if list && len(s.rest) == 0 {
			break
		}
		if !s.fields(t) {
			return 0, errFrame
		}
	}
	return len(args) - len(s.rest), nil
}

// shape walks over tagged values as the library's reader does, but with an eye on the end of the message and on the
// type of the field that each value would be stored in: there the library would panic.
type shape struct {
	rest    []byte
	version uint32
}

var (
	typeSpec    = reflect.TypeFor[proto.SampleSpec]()
	typeFormat  = reflect.TypeFor[proto.FormatInfo]()
	typeFormats = reflect.TypeFor[[]proto.FormatInfo]()
	typeProps   = reflect.TypeFor[proto.PropList]()
	typeTime    = reflect.TypeFor[proto.Time]()
	typeVolumes = reflect.TypeFor[proto.ChannelVolumes]()
)

func (s *shape) fields(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if s.absent(string(f.Tag)) {
			continue
		}
		ok := false
		switch {
		case f.Type == typeFormats:
			ok = s.formats()
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			ok = s.structs(f.Type.Elem())
		default:
			ok = s.value(f.Type)
		}
		if !ok {
			return false
		}
	}
	return true
}

// absent reads the library's field tags: "13" is there since version 13, "<15" until version 14.
func (s *shape) absent(tag string) bool {
	if tag == "" {
		return false
	}
	until := tag[0] == '<'
	if until {
		tag = tag[1:]
	}
	v, err := strconv.ParseUint(tag, 10, 32)
	return err == nil && until == (uint32(v) <= s.version)
}

func (s *shape) skip(n int) bool {
	if n < 0 || n > len(s.rest) {
		return false
	}
	s.rest = s.rest[n:]
	return true
}

func (s *shape) byte() (byte, bool) {
	if len(s.rest) == 0 {
		return 0, false
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b, true
}

func (s *shape) is(want byte) bool {
	b, ok := s.byte()
	return ok && b == want
}

func (s *shape) uint32() (int, bool) {
	if len(s.rest) < 4 {
		return 0, false
	}
	n := binary.BigEndian.Uint32(s.rest)
	s.rest = s.rest[4:]
	return int(n), n <= 1<<31-1
}

func (s *shape) str() bool {
	n := bytes.IndexByte(s.rest, 0)
	return n >= 0 && n <= maxString && s.skip(n+1)
}

func (s *shape) structs(elem reflect.Type) bool {
	if !s.is('L') {
		return false
	}
	n, ok := s.uint32()
	if !ok || n > len(s.rest) { // each has at least one byte
		return false
	}
	for range n {
		if !s.fields(elem) {
			return false
		}
	}
	return true
}

func (s *shape) formats() bool {
	if !s.is('B') {
		return false
	}
	n, ok := s.byte()
	for range n {
		if !s.is('f') || !s.format() {
			return false
		}
	}
	return ok
}

func (s *shape) format() bool {
	return s.is('B') && s.skip(1) && s.is('P') && s.props()
}

func (s *shape) props() bool {
	for {
		tag, ok := s.byte()
		if !ok || tag == 'N' {
			return ok
		}
		if tag != 't' || !s.str() || !s.is('L') {
			return false
		}
		n, ok := s.uint32()
		if !ok || !s.is('x') {
			return false
		}
		if m, ok := s.uint32(); !ok || m != n || !s.skip(m) {
			return false
		}
	}
}

func (s *shape) value(t reflect.Type) bool {
	tag, ok := s.byte()
	if !ok {
		return false
	}
	kind := t.Kind()
	uint := kind >= reflect.Uint && kind <= reflect.Uint64
	octets := kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8
	switch tag {
	case 't':
		return kind == reflect.String && s.str()
	case 'N':
		return kind == reflect.String
	case '0', '1':
		return kind == reflect.Bool
	case 'L', 'V':
		return uint && s.skip(4)
	case 'B':
		return uint && s.skip(1)
	case 'R', 'U':
		return uint && s.skip(8)
	case 'r':
		return kind == reflect.Int64 && s.skip(8)
	case 'a':
		return t == typeSpec && s.skip(6)
	case 'T':
		return t == typeTime && s.skip(8)
	case 'x':
		n, ok := s.uint32()
		return ok && (octets || kind == reflect.String && n > 0) && s.skip(n)
	case 'm':
		n, ok := s.byte()
		return ok && octets && s.skip(int(n))
	case 'v':
		n, ok := s.byte()
		return ok && t == typeVolumes && s.skip(4*int(n))
	case 'P':
		return t == typeProps && s.props()
	case 'f':
		return t == typeFormat && s.format()
	}
	return false
}
