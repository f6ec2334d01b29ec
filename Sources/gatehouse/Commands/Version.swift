/// The version of this program, as `gatehouse --version` prints it. The newest section of CHANGELOG.md and the Python client have the same.
enum Version {
  static let text = "1.0.0-dev"
}
