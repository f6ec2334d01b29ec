import StrictJSON
import TestSupport
import Testing

/// Places in lists, carried where they do not belong.
@Suite("Cursors", .service) struct CursorTests {
  private struct List {
    let name: String
    let path: String
    var port: Int?
    let bearer: String
    func page(_ service: RunningService, _ cursor: String?) async throws -> RunningService.Answer {
      let more = cursor.map { "&cursor=\($0)" } ?? ""
      return try await service.ask("GET", "\(path)\(path.contains("?") ? "&" : "?")limit=1\(more)", at: port, bearer: bearer)
    }
  }

  @Test("Each list takes its own cursors and refuses those of every other, also of the same list of somebody else")
  func apart() async throws {
    let service = try RunningService.shared()
    let (accounts, work, admin) = (try service.serviceKey("accounts"), try service.serviceKey("work"), try service.serviceKey("admin"))
    var lists: [List] = [
      List(name: "feed", path: "/v1/events", bearer: accounts),
      List(name: "users", path: "/v1/admin/users", port: service.opsPort(), bearer: admin),
    ]
    for name in ["mia", "ben"] {
      let user = try await service.proUser()
      for number in 0..<2 {
        _ = try await service.logIn(user.email)
        let started = try await service.startAnalysis(user.token, "\(number)")
        let id = started.text("analysis.id") ?? ""
        _ = try await service.ask("PATCH", "/v1/analyses/\(id)", bearer: work, body: #"{"status":"completed","result":{}}"#)
      }
      lists += [
        List(name: "devices of \(name)", path: "/v1/sessions", bearer: user.token),
        List(name: "sessions of \(name)", path: "/v1/users/\(user.id)/sessions", bearer: accounts),
        List(name: "analyses of \(name)", path: "/v1/analyses", bearer: user.token),
        List(name: "usage events of \(name)", path: "/v1/usage/events", bearer: user.token),
      ]
    }
    var cursors: [String] = []
    for list in lists { cursors.append(try #require(try await list.page(service, nil).text("next_cursor"), "\(list.name)")) }
    for (here, list) in lists.enumerated() {
      for (there, cursor) in cursors.enumerated() {
        let answer = try await list.page(service, cursor)
        if here == there {
          #expect(answer.status == 200 && answer.data.count == 1, "\(list.name)")
        } else {
          #expect(answer.status == 400 && answer.text("code") == "invalid_cursor", "\(list.name) with a cursor of \(lists[there].name)")
        }
      }
    }
    // A session and a backend read one list of analyses.
    let mine = lists[4]
    let id = try #require(try await service.ask("GET", "/v1/user", bearer: mine.bearer).text("id"))
    #expect(try await List(name: "", path: "/v1/analyses?user_id=\(id)", bearer: work).page(service, cursors[4]).status == 200)
  }
}
