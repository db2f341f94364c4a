package device

import (
	"encoding/binary"
	"io"
	"net"
	"reflect"
	"strconv"
	"sync"

	"github.com/jfreymuth/pulse/proto"
)

// encode writes values as a sound server does, field by field of a message or reply of the library.
func encode(b []byte, v reflect.Value, version int) []byte {
	if v.Kind() == reflect.Struct {
		switch x := v.Interface().(type) {
		case proto.SampleSpec:
			return binary.BigEndian.AppendUint32(append(b, 'a', x.Format, x.Channels), x.Rate)
		case proto.FormatInfo:
			return append(append(b, 'f', 'B', x.Encoding), 'P', 'N')
		}
		for i := range v.NumField() {
			tag := string(v.Type().Field(i).Tag)
			if n, err := strconv.Atoi(tag); err == nil && n > version || len(tag) > 0 && tag[0] == '<' {
				continue
			}
			b = encode(b, v.Field(i), version)
		}
		return b
	}
	switch x := v.Interface().(type) {
	case proto.PropList:
		b = append(b, 'P')
		for k, e := range x {
			b = append(append(append(b, 't'), k...), 0, 'L')
			b = binary.BigEndian.AppendUint32(b, uint32(len(e)))
			b = append(b, 'x')
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(e))), e...)
		}
		return append(b, 'N')
	case proto.Volume:
		return binary.BigEndian.AppendUint32(append(b, 'V'), uint32(x))
	case proto.Microseconds:
		return binary.BigEndian.AppendUint64(append(b, 'U'), uint64(x))
	case proto.ChannelVolumes:
		b = append(b, 'v', byte(len(x)))
		for _, n := range x {
			b = binary.BigEndian.AppendUint32(b, n)
		}
		return b
	case []proto.FormatInfo:
		b = append(b, 'B', byte(len(x)))
		for _, f := range x {
			b = encode(b, reflect.ValueOf(f), version)
		}
		return b
	}
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" {
			return append(b, 'N')
		}
		return append(append(append(b, 't'), v.String()...), 0)
	case reflect.Bool:
		if v.Bool() {
			return append(b, '1')
		}
		return append(b, '0')
	case reflect.Uint8:
		return append(b, 'B', byte(v.Uint()))
	case reflect.Uint32:
		return binary.BigEndian.AppendUint32(append(b, 'L'), uint32(v.Uint()))
	case reflect.Uint64:
		return binary.BigEndian.AppendUint64(append(b, 'R'), v.Uint())
	case reflect.Int64:
		return binary.BigEndian.AppendUint64(append(b, 'r'), uint64(v.Int()))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return append(append(b, 'm', byte(v.Len())), v.Bytes()...)
		}
		b = binary.BigEndian.AppendUint32(append(b, 'L'), uint32(v.Len()))
		for i := range v.Len() {
			b = encode(b, v.Index(i), version)
		}
		return b
	}
	panic("no encoding for " + v.Type().String())
}

// args encodes the fields of messages or replies, one after the other.
func args(values ...any) []byte {
	var b []byte
	for _, v := range values {
		b = encode(b, reflect.ValueOf(v), protocolVersion)
	}
	return b
}

// frame wraps arguments as a message.
func frame(op, tag uint32, args []byte) []byte {
	body := binary.BigEndian.AppendUint32([]byte{'L'}, op)
	body = binary.BigEndian.AppendUint32(append(body, 'L'), tag)
	return packet(proto.Undefined, append(body, args...))
}

// packet puts a frame's header before its body.
func packet(channel uint32, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = binary.BigEndian.AppendUint32(b, channel)
	b = append(b, make([]byte, 12)...)
	return append(b, body...)
}

// fake is the far end of a link: it answers requests from a script, or as a server with one loudspeaker and one
// microphone does.
type fake struct {
	net.Conn
	answer func(op, tag uint32) []byte // frames to send, nil for the usual ones

	mu    sync.Mutex
	asked []uint32
	pcm   int // bytes of sound received
}

// usual is the reply of a server with a speaker and a mic.
func usual(op, tag uint32) []byte {
	name := func(s string) proto.PropList { return proto.PropList{"device.description": proto.PropListString(s)} }
	var b []byte
	switch op {
	case proto.OpAuth:
		b = args(proto.AuthReply{Version: protocolVersion})
	case proto.OpSetClientName:
		b = args(proto.SetClientNameReply{})
	case proto.OpGetServerInfo:
		b = args(proto.GetServerInfoReply{PackageName: "fake", PackageVersion: "1", Hostname: "box", DefaultSinkName: "spk", DefaultSourceName: "mic"})
	case proto.OpGetSinkInfoList:
		b = args(proto.GetSinkInfoReply{SinkName: "spk", Properties: name("Speaker"), Formats: []proto.FormatInfo{{Encoding: 1}}})
	case proto.OpGetSourceInfoList:
		b = args(proto.GetSourceInfoReply{SourceName: "mic", Properties: name("Mic"), MonitorSourceIndex: proto.Undefined})
	case proto.OpCreatePlaybackStream:
		b = args(proto.CreatePlaybackStreamReply{StreamIndex: 3, SinkInputIndex: 8, Missing: 640, SinkName: "spk", BufferMinimumRequest: 160})
	case proto.OpCreateRecordStream:
		b = args(proto.CreateRecordStreamReply{StreamIndex: 4, SourceOutputIndex: 9, SourceName: "mic", BufferFragSize: 160})
	case proto.OpSetPlaybackStreamBufferAttr:
		b = args(proto.SetPlaybackStreamBufferAttrReply{})
	}
	return frame(proto.OpReply, tag, b)
}

// serve reads requests and answers them until the link ends.
func (f *fake) serve() {
	head := make([]byte, headerLen)
	for {
		if _, err := io.ReadFull(f, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(f, body); err != nil {
			return
		}
		if binary.BigEndian.Uint32(head[4:]) != proto.Undefined {
			f.mu.Lock()
			f.pcm += len(body)
			f.mu.Unlock()
			continue
		}
		op, tag := binary.BigEndian.Uint32(body[1:]), binary.BigEndian.Uint32(body[6:])
		f.mu.Lock()
		f.asked = append(f.asked, op)
		f.mu.Unlock()
		var reply []byte
		if f.answer != nil {
			reply = f.answer(op, tag)
		}
		if reply == nil {
			reply = usual(op, tag)
		}
		if len(reply) > 0 {
			if _, err := f.Write(reply); err != nil {
				return
			}
		}
	}
}

func (f *fake) played() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pcm
}

// pipeTo connects a conn to a fake.
func pipeTo(answer func(op, tag uint32) []byte) (*conn, *fake) {
	near, far := net.Pipe()
	f := &fake{Conn: far, answer: answer}
	go f.serve()
	return newConn(true, func(pcm func(uint32, []byte)) *link { return newLink(near, pcm) }), f
}
