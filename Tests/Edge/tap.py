"""A wire between a proxy and Gatehouse that remembers every request that went over it, and can be cut.

tap = Tap(gatehouse_port)
tap.port                     the proxy's idea of where Gatehouse is
tap.requests()               heads as (method, target, [(name, value), …]), names in lower case; forgets them
tap.cut(); tap.mend()        Gatehouse is away: connections are refused, open ones end
tap.hang(); tap.mend()       connections are taken and nothing is ever answered
"""

import re
import socket
import threading

from Harness.service import free_port

HEAD = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n((?:[^\r\n]+\r\n)*)\r\n")


class Tap:
    def __init__(self, target):
        self.target, self.port = target, free_port()
        self.lock, self.wires, self.seen, self.hangs, self.listener = threading.Lock(), set(), [], False, None
        self.mend()

    def mend(self):
        self._end_wires()
        self.hangs = False
        if not self.listener:
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=1024)
            threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self):
        if self.listener:
            # Closing alone would leave the accepting thread, and with it the port, alive.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        self._end_wires()

    def hang(self):
        self._end_wires()
        self.hangs = True

    def requests(self):
        with self.lock:
            seen, self.seen = self.seen, []
        found = []
        for data in seen:
            for method, target, fields in HEAD.findall(bytes(data)):
                lines = (line.split(b":", 1) for line in fields.split(b"\r\n") if line)
                pairs = [(name.decode().lower(), value.strip().decode("latin-1")) for name, value in lines]
                found.append((method.decode(), target.decode("latin-1"), pairs))
            with self.lock:
                data.clear()
        return found

    def _end_wires(self):
        with self.lock:
            wires, self.wires = self.wires, set()
        for wire in wires:
            try:
                wire.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                front, _ = listener.accept()
            except OSError:
                return
            front.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.wires.add(front)
            threading.Thread(target=self._relay, args=(front,), daemon=True).start()

    def _relay(self, front):
        try:
            back = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return front.close()
        back.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._answers, args=(back, front), daemon=True).start()
        record = bytearray()
        try:
            while data := front.recv(65536):
                with self.lock:
                    record += data
                    if not any(record is known for known in self.seen):
                        self.seen.append(record)
                if not self.hangs:
                    back.sendall(data)
        except OSError:
            pass
        finally:
            with self.lock:
                self.wires.discard(front)
            for end in (front, back):
                close(end)

    def _answers(self, back, front):
        try:
            while data := back.recv(65536):
                front.sendall(data)
        except OSError:
            pass
        close(front)


def close(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
