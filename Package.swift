// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error), .swiftLanguageMode(.v6), .enableUpcomingFeature("MemberImportVisibility"),
]

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird: [Target.Dependency] = [
  .product(name: "Hummingbird", package: "hummingbird"),
  .product(name: "HummingbirdCore", package: "hummingbird"),
]

let package = Package(
  name: "gatehouse",
  products: [.executable(name: "gatehouse", targets: ["gatehouse"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // C libraries of the system: module maps and shims, nothing else.
    .systemLibrary(name: "CHiredis", path: "Sources/CHiredis"),
    .systemLibrary(name: "CArgon2", path: "Sources/CArgon2"),
    .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL"),
    .systemLibrary(name: "CCrypt", path: "Sources/CCrypt"),
    .systemLibrary(name: "CSQLite", path: "Sources/CSQLite"),
    .systemLibrary(name: "CSched", path: "Sources/CSched"),
    .systemLibrary(name: "CIdn2", path: "Sources/CIdn2"),
    .systemLibrary(name: "CUnistring", path: "Sources/CUnistring"),

    // Pieces that know nothing of Gatehouse.
    .target(name: "RedisClient", dependencies: ["CHiredis", log, lifecycle] + nio, swiftSettings: strict),
    .target(name: "StrictJSON", swiftSettings: strict),
    .target(name: "TextForms", dependencies: ["CIdn2", "CUnistring"], swiftSettings: strict),
    .target(name: "Files", swiftSettings: strict),
    .target(name: "MetricTable", dependencies: [metrics], swiftSettings: strict),
    .target(name: "Threads", dependencies: ["CSched"], swiftSettings: strict),
    .target(
      name: "LocalHTTP", dependencies: [.product(name: "NIOHTTP1", package: "swift-nio")] + nio, swiftSettings: strict),
    .target(
      name: "GatehouseCrypto", dependencies: ["CArgon2", "COpenSSL", "CCrypt", "Files", "Threads"],
      resources: [.embedInCode("Resources")], swiftSettings: strict),

    // The domain, its two stores and its face. Stores and face never import each other. The durable store's rules know no engine.
    .target(name: "GatehouseCore", dependencies: ["GatehouseCrypto", "StrictJSON", "TextForms", log], swiftSettings: strict),
    .target(
      name: "GatehouseRedis", dependencies: ["GatehouseCore", "GatehouseCrypto", "RedisClient"] + nio,
      resources: [.embedInCode("Scripts")], swiftSettings: strict),
    .target(
      name: "GatehouseLedger", dependencies: ["GatehouseCore", "GatehouseCrypto", "MetricTable", log, metrics], swiftSettings: strict),
    .target(
      name: "LedgerSQLite",
      dependencies: [
        "CSQLite", "Files", "GatehouseCore", "GatehouseLedger", "MetricTable", log, metrics, .product(name: "GRDB", package: "GRDB.swift"),
      ],
      resources: [.embedInCode("schema.sql")], swiftSettings: strict),
    .target(
      name: "GatehouseHTTP",
      dependencies: [
        "GatehouseCore", "GatehouseCrypto", "StrictJSON", log,
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ] + hummingbird, swiftSettings: strict),
    .executableTarget(
      name: "gatehouse",
      dependencies: [
        "GatehouseCore", "GatehouseRedis", "GatehouseLedger", "LedgerSQLite", "GatehouseHTTP", "GatehouseCrypto", "RedisClient",
        "Files", "LocalHTTP", "MetricTable", "StrictJSON", "Threads", "Yams", lifecycle, unixSignals, log, metrics,
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ] + nio + hummingbird, resources: [.embedInCode("redis.conf")], swiftSettings: strict),

    // The write queue alone, for `make bench`. Here and not a package of its own, which would compile every dependency once more.
    .executableTarget(
      name: "queue-bench", dependencies: ["GatehouseLedger", "LedgerSQLite", log], path: "Benchmarks/Queue", swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: [.product(name: "Subprocess", package: "swift-subprocess")] + nio, path: "Tests/TestSupport",
      swiftSettings: strict),
    .testTarget(name: "RedisClientTests", dependencies: ["RedisClient", "TestSupport", log] + nio, swiftSettings: strict),
    .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON"], swiftSettings: strict),
    .testTarget(name: "GatehouseCryptoTests", dependencies: ["GatehouseCrypto", "TestSupport"], swiftSettings: strict),
    .testTarget(name: "GatehouseCoreTests", dependencies: ["GatehouseCore", "GatehouseCrypto", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "GatehouseRedisTests",
      dependencies: ["GatehouseCore", "GatehouseCrypto", "GatehouseRedis", "RedisClient", "TestSupport", log] + nio, exclude: ["Version1"],
      swiftSettings: strict),
    .target(
      name: "LedgerContract", dependencies: ["GatehouseCore", "GatehouseCrypto", "GatehouseLedger", "TestSupport", log],
      path: "Tests/LedgerContract", swiftSettings: strict),
    .testTarget(name: "GatehouseLedgerTests", dependencies: ["GatehouseLedger"], swiftSettings: strict),
    .testTarget(
      name: "LedgerSQLiteTests",
      dependencies: [
        "CSQLite", "GatehouseCore", "GatehouseCrypto", "GatehouseLedger", "LedgerContract", "LedgerSQLite", "MetricTable", "TestSupport",
        log,
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
      ], swiftSettings: strict),
    .testTarget(
      name: "GatehouseHTTPTests",
      dependencies: [
        "GatehouseHTTP", "StrictJSON", "TestSupport", log,
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ], swiftSettings: strict),
    .testTarget(
      name: "ProtocolTests",
      dependencies: [
        "GatehouseCore", "GatehouseCrypto", "GatehouseLedger", "GatehouseRedis", "LedgerSQLite", "RedisClient", "TestSupport", log,
      ] + nio, swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "gatehouse", "Files", "Threads", "GatehouseCore", "GatehouseCrypto", "GatehouseHTTP", "GatehouseLedger", "MetricTable",
        "StrictJSON",
        "TestSupport", log,
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ] + nio, swiftSettings: strict),
    .testTarget(name: "TidyTests", swiftSettings: strict),
  ]
)
