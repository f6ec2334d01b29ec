"""A Redis that answers with errors: it stands on the service's socket and passes everything on until it is told to lie."""

import os
import socket
import threading


class Liar:
    """`lie = b"-LOADING ...\\r\\n"` answers every command so; None passes on. `greeting` is said to each new connection, which is then
    closed. `cuts` ends a connection in the middle of a reply. `answered` counts the lies."""

    def __init__(self, path, target):
        self.path, self.target = path, target
        self.lie, self.greeting, self.cuts, self.answered = None, None, False, 0
        self.pairs, self.lock = set(), threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o700)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_all(self):
        """Ends every connection there is."""
        with self.lock:
            for ends in self.pairs:
                for end in ends:
                    _shut(end)

    def stop(self):
        _shut(self.listener)
        self.drop_all()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.greeting:
                self.answered += 1
                try:
                    client.sendall(self.greeting)
                except OSError:
                    pass  # The client may have gone first.
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.add((client, server))
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
            threading.Thread(target=self._back, args=(client, server), daemon=True).start()

    def _forward(self, client, server):
        buffer = b""
        try:
            while data := client.recv(65536):
                if self.lie is None and not self.cuts:
                    server.sendall(buffer + data)
                    buffer = b""
                    continue
                buffer += data
                commands, buffer = count_commands(buffer)
                self.answered += commands
                if self.cuts:
                    client.sendall(b"*10\r\n$5\r\nal")
                    break
                client.sendall((self.lie or b"") * commands)
        except OSError:
            pass  # One side ended; so does the other.
        _shut(client)
        _shut(server)

    def _back(self, client, server):
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass  # One side ended; so does the other.
        _shut(client)
        _shut(server)


def count_commands(data):
    """How many whole commands (arrays of bulk strings) `data` begins with, and what is left."""
    count = 0
    while True:
        rest = data
        try:
            head, rest = rest.split(b"\r\n", 1)
            for _ in range(int(head[1:])):
                size, rest = rest.split(b"\r\n", 1)
                length = int(size[1:])
                if len(rest) < length + 2:
                    return count, data
                rest = rest[length + 2 :]
        except ValueError:
            return count, data
        count, data = count + 1, rest


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # It is shut already.
    end.close()
