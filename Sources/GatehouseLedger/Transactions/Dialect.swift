/// The words of SQL in which engines differ. A statement that needs one is a function of the dialect; all others are the same text for
/// every engine. The statements of every request are among the latter.
public struct Dialect: Sendable {
  /// The function that gives the greatest of its arguments.
  public let greatest: String
  /// The column that says where a row is: the shortest way to delete rows that a subquery found.
  public let place: String
  /// The column `body`, a JSON text in bytes, in which two members of `analysis` are made empty: `filename` is null, `metadata` is `{}`.
  /// All else stays as it was written.
  public let withoutAnalysis: String

  /// The words of one engine. They stand in statements as they are: they are code, never data.
  public init(greatest: String, place: String, withoutAnalysis: String) {
    self.greatest = greatest
    self.place = place
    self.withoutAnalysis = withoutAnalysis
  }
}
