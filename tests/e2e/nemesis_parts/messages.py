"""Reads protobuf messages by the .proto files of this tree: the journal is checked without a line of the product's code."""

import os
import re
import struct

FIELD = re.compile(r"^\s*(repeated\s+)?([A-Za-z0-9_.]+)\s+([a-z0-9_]+)\s*=\s*(\d+)\s*;")
SIGNED = ("int32", "int64")
VARINTS = ("uint32", "uint64", "bool") + SIGNED


class Vocabulary:
    def __init__(self, folder):
        self.messages = {}  # name -> {number: (name, type, repeated)}
        self.enums = set()
        for name in sorted(os.listdir(folder)):
            if name.endswith(".proto"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    self._read(file.read())

    def _read(self, text):
        text = re.sub(r"//[^\n]*", "", text)
        for kind, name, body in re.findall(r"\b(message|enum)\s+(\w+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}", text):
            if kind == "enum":
                self.enums.add(name)
                continue
            fields = self.messages.setdefault(name, {})
            for statement in re.split(r"(?<=;)|[{}]", body):
                match = FIELD.match(statement.replace("\n", " "))
                if match:
                    fields[int(match[4])] = (match[3], match[2], bool(match[1]))

    def read(self, kind, data):
        """A dictionary: fields that are not set are absent; repeated ones are lists."""
        message, fields = {}, self.messages[kind]
        for number, wire, value in _entries(data):
            if number not in fields:
                continue
            name, type_, repeated = fields[number]
            values = self._values(type_, wire, value)
            if repeated:
                message.setdefault(name, []).extend(values)
            else:
                message[name] = values[-1]
        return message

    def _values(self, type_, wire, value):
        if type_ in self.messages:
            return [self.read(type_, value)]
        if type_ == "string":
            return [value.decode("utf-8", "replace")]
        if type_ == "bytes":
            return [value]
        if type_ == "double":
            return [struct.unpack("<d", value)[0]]
        if wire == 2:  # packed
            return [_as_number(type_, number) for number in _varints(value)]
        return [_as_number(type_, value)]


def _as_number(type_, value):
    if type_ in SIGNED and value >= 1 << 63:
        return value - (1 << 64)
    return value


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _varints(data):
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _entries(data):
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 1:
            value, at = data[at:at + 8], at + 8
        elif wire == 5:
            value, at = data[at:at + 4], at + 4
        else:
            length, at = _varint(data, at)
            value, at = data[at:at + length], at + length
        yield number, wire, value
