;; What the agent does to every byte, sixteen bytes at a time: finding line ends and framing lines as
;; user records, base64, the MD5 of four aggregates at once, and most of a CRC-32C. Everything works on
;; the exported memory, into which the caller copies and out of which it copies. wire/simd.ts says what
;; is where.
;;
;; Build: npm run wasm. A test checks that wire/simd-module.ts is made of this file.
(module
  (memory (export "memory") 8)

  ;; --- frame: lines to user records ------------------------------------------------------------

  ;; Where framing stopped: the first byte that was not framed, the first free byte, lines framed.
  (global $next (export "next") (mut i32) (i32.const 0))
  (global $out (export "out") (mut i32) (i32.const 0))
  (global $count (export "count") (mut i32) (i32.const 0))

  ;; Frames the lines in [at, end) that end with a line feed, each as a Record message:
  ;;   1A size  08 key  10 00  1A length  data
  ;; It stops before a line that has no line feed, that would end after limit, or that has 2^14
  ;; bytes or more. key is below 2^7. Up to 15 bytes after what is written are overwritten.
  (func (export "frame") (param $at i32) (param $end i32) (param $out i32) (param $limit i32) (param $key i32)
    (local $from i32) (local $length i32) (local $size i32) (local $mask i32) (local $to i32) (local $count i32)
    (block $stop
      (loop $line
        ;; The next line feed. Bytes after end may hold an old one.
        (local.set $from (local.get $at))
        (block $found
          (loop $look
            (br_if $stop (i32.ge_u (local.get $from) (local.get $end)))
            (local.set $mask
              (i8x16.bitmask (i8x16.eq (v128.load (local.get $from)) (v128.const i8x16 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10 10))))
            (br_if $found (local.get $mask))
            (local.set $from (i32.add (local.get $from) (i32.const 16)))
            (br $look)))
        (local.set $from (i32.add (local.get $from) (i32.ctz (local.get $mask))))
        (br_if $stop (i32.ge_u (local.get $from) (local.get $end)))
        (local.set $length (i32.sub (local.get $from) (local.get $at)))
        (br_if $stop (i32.ge_u (local.get $length) (i32.const 0x3ff0)))

        ;; Of the message: key and hash key (4), field (1), length (1 or 2), data.
        (local.set $size
          (i32.add (i32.add (local.get $length) (i32.const 6)) (i32.ge_u (local.get $length) (i32.const 0x80))))
        (br_if $stop
          (i32.gt_u
            (i32.add
              (i32.add (local.get $out) (i32.add (local.get $size) (i32.const 2)))
              (i32.ge_u (local.get $size) (i32.const 0x80)))
            (local.get $limit)))

        (i32.store8 (local.get $out) (i32.const 0x1a))
        (local.set $out (call $varint (i32.add (local.get $out) (i32.const 1)) (local.get $size)))
        ;; 08 key 10 00
        (i32.store (local.get $out) (i32.or (i32.const 0x00100008) (i32.shl (local.get $key) (i32.const 8))))
        (i32.store8 offset=4 (local.get $out) (i32.const 0x1a))
        (local.set $out (call $varint (i32.add (local.get $out) (i32.const 5)) (local.get $length)))

        (local.set $to (i32.add (local.get $out) (local.get $length)))
        (block $copied
          (loop $copy
            (br_if $copied (i32.ge_u (local.get $out) (local.get $to)))
            (v128.store (local.get $out) (v128.load (local.get $at)))
            (local.set $out (i32.add (local.get $out) (i32.const 16)))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $copy)))
        (local.set $out (local.get $to))
        (local.set $at (i32.add (local.get $from) (i32.const 1)))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $line)))
    (global.set $next (local.get $at))
    (global.set $out (local.get $out))
    (global.set $count (local.get $count)))

  ;; Writes a varint below 2^14 and returns the address after it.
  (func $varint (param $at i32) (param $value i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $value) (i32.const 0x80))
      (then
        (i32.store8 (local.get $at) (local.get $value))
        (i32.add (local.get $at) (i32.const 1)))
      (else
        (i32.store8 (local.get $at) (i32.or (local.get $value) (i32.const 0x80)))
        (i32.store8 offset=1 (local.get $at) (i32.shr_u (local.get $value) (i32.const 7)))
        (i32.add (local.get $at) (i32.const 2)))))

  ;; --- crc32c: what a long message leaves ------------------------------------------------------

  ;; y^5321 + y^3574 + y^2491 + 1, where y is x^8, is a multiple of Castagnoli's polynomial. So a byte
  ;; may be left out of a message when it is added to those that stand 1747, 2830 and 5321 after it:
  ;; the CRC stays what it was. After S. Russell, "Chorba: A novel CRC32 implementation", 2024, with
  ;; a multiple of this polynomial, which was found by trying all up to y^6000: of the nearest sum of
  ;; four, the one that reads nothing which was only just written. No table, no carry-less product.

  ;; Adds to each byte in [at + 5321, end) those that are left out before it, of which the first 5321
  ;; stand from at on. Works on sixteen bytes at a time.
  (func (export "fold") (param $at i32) (param $end i32)
    (local.set $end (i32.sub (local.get $end) (i32.const 5321)))
    (block $done
      (loop $sixteen
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (v128.store offset=5321 (local.get $at)
          (v128.xor
            (v128.xor (v128.load offset=5321 (local.get $at)) (v128.load (local.get $at)))
            (v128.xor (v128.load offset=2491 (local.get $at)) (v128.load offset=3574 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $sixteen))))

  ;; Adds so many bytes, and up to 15 after them, to those at to.
  (func (export "add") (param $to i32) (param $from i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $from) (local.get $bytes)))
    (loop $sixteen
      (v128.store (local.get $to) (v128.xor (v128.load (local.get $to)) (v128.load (local.get $from))))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (br_if $sixteen (i32.lt_u (local.get $from) (local.get $end)))))

  ;; --- base64 ----------------------------------------------------------------------------------

  (data (i32.const 640)
    "\01\00\02\01\04\03\05\04\07\06\08\07\0a\09\0b\0a"
    "\47\fc\fc\fc\fc\fc\fc\fc\fc\fc\fc\ed\f0\41\00\00"
    "\00\fc\00\00\f0\03\00\00\00\00\c0\0f\00\00\3f\00\33\1a\0d")

  ;; Writes the base64 of [at, end), a multiple of 12 bytes, to out. After W. Mula and D. Lemire,
  ;; "Faster Base64 Encoding and Decoding Using AVX2 Instructions", 2018.
  (func (export "base64") (param $at i32) (param $end i32) (param $out i32)
    (local $x v128) (local $spread v128) (local $first v128) (local $second v128) (local $third v128) (local $fourth v128)
    (local $n51 v128) (local $n26 v128) (local $n13 v128) (local $shift v128)
    (local.set $spread (v128.load (i32.const 640)))
    (local.set $first (v128.load32_splat (i32.const 672)))
    (local.set $second (v128.load32_splat (i32.const 676)))
    (local.set $third (v128.load32_splat (i32.const 680)))
    (local.set $fourth (v128.load32_splat (i32.const 684)))
    (local.set $n51 (v128.load8_splat (i32.const 688)))
    (local.set $n26 (v128.load8_splat (i32.const 689)))
    (local.set $n13 (v128.load8_splat (i32.const 690)))
    (local.set $shift (v128.load (i32.const 656)))
    (block $done
      (loop $twelve
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        ;; Three bytes a, b, c to a lane of four: b a c b, which holds every six bits in a row.
        (local.set $x
          (i8x16.swizzle (v128.load (local.get $at)) (local.get $spread)))
        ;; Each six bits to a byte of their own.
        (local.set $x
          (v128.or
            (v128.or
              (i32x4.shr_u (v128.and (local.get $x) (local.get $first)) (i32.const 10))
              (i32x4.shl (v128.and (local.get $x) (local.get $second)) (i32.const 4)))
            (v128.or
              (i32x4.shr_u (v128.and (local.get $x) (local.get $third)) (i32.const 6))
              (i32x4.shl (v128.and (local.get $x) (local.get $fourth)) (i32.const 8)))))
        ;; 0-25 are row 13, 26-51 row 0, 52-61 rows 1-10, 62 row 11, 63 row 12; a row holds what is
        ;; to be added to reach A-Z, a-z, 0-9, + and /.
        (v128.store (local.get $out)
          (i8x16.add (local.get $x)
            (i8x16.swizzle
              (local.get $shift)
              (v128.or
                (i8x16.sub_sat_u (local.get $x) (local.get $n51))
                (v128.and
                  (i8x16.lt_u (local.get $x) (local.get $n26))
                  (local.get $n13))))))
        (local.set $at (i32.add (local.get $at) (i32.const 12)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $twelve))))

  ;; --- md5: four digests at once ---------------------------------------------------------------

  ;; Each lane of a vector belongs to one of four messages. source: RFC 1321
  ;;   0     64 constants, floor(2^32 * abs(sin(i + 1)))
  ;;   256   for each step, where its word of the message stands among those at 320
  ;;   320   a block's sixteen words, each of four messages
  ;;   576   A, B, C, D, each of four messages
  (data (i32.const 0)
    "\78\a4\6a\d7\56\b7\c7\e8\db\70\20\24\ee\ce\bd\c1\af\0f\7c\f5\2a\c6\87\47\13\46\30\a8\01\95\46\fd"
    "\d8\98\80\69\af\f7\44\8b\b1\5b\ff\ff\be\d7\5c\89\22\11\90\6b\93\71\98\fd\8e\43\79\a6\21\08\b4\49"
    "\62\25\1e\f6\40\b3\40\c0\51\5a\5e\26\aa\c7\b6\e9\5d\10\2f\d6\53\14\44\02\81\e6\a1\d8\c8\fb\d3\e7"
    "\e6\cd\e1\21\d6\07\37\c3\87\0d\d5\f4\ed\14\5a\45\05\e9\e3\a9\f8\a3\ef\fc\d9\02\6f\67\8a\4c\2a\8d"
    "\42\39\fa\ff\81\f6\71\87\22\61\9d\6d\0c\38\e5\fd\44\ea\be\a4\a9\cf\de\4b\60\4b\bb\f6\70\bc\bf\be"
    "\c6\7e\9b\28\fa\27\a1\ea\85\30\ef\d4\05\1d\88\04\39\d0\d4\d9\e5\99\db\e6\f8\7c\a2\1f\65\56\ac\c4"
    "\44\22\29\f4\97\ff\2a\43\a7\23\94\ab\39\a0\93\fc\c3\59\5b\65\92\cc\0c\8f\7d\f4\ef\ff\d1\5d\84\85"
    "\4f\7e\a8\6f\e0\e6\2c\fe\14\43\01\a3\a1\11\08\4e\82\7e\53\f7\35\f2\3a\bd\bb\d2\d7\2a\91\d3\86\eb")
  (data (i32.const 256)
    "\00\10\20\30\40\50\60\70\80\90\a0\b0\c0\d0\e0\f0"
    "\10\60\b0\00\50\a0\f0\40\90\e0\30\80\d0\20\70\c0"
    "\50\80\b0\e0\10\40\70\a0\d0\00\30\60\90\c0\f0\20"
    "\00\70\e0\50\c0\30\a0\10\80\f0\60\d0\40\b0\20\90")

  ;; Takes in so many blocks of 64 bytes of each message. at is the first of them; the others follow
  ;; each at a distance of stride bytes.
  (func (export "md5") (param $at i32) (param $stride i32) (param $blocks i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $a0 v128) (local $b0 v128) (local $c0 v128) (local $d0 v128)
    (local $i i32)
    (local.set $a (v128.load (i32.const 576)))
    (local.set $b (v128.load (i32.const 592)))
    (local.set $c (v128.load (i32.const 608)))
    (local.set $d (v128.load (i32.const 624)))
    (block $done
      (loop $block
        (br_if $done (i32.eqz (local.get $blocks)))
        (local.set $a0 (local.get $a))
        (local.set $b0 (local.get $b))
        (local.set $c0 (local.get $c))
        (local.set $d0 (local.get $d))
        (call $words (local.get $at) (local.get $stride) (i32.const 320))
        (call $words (i32.add (local.get $at) (i32.const 16)) (local.get $stride) (i32.const 384))
        (call $words (i32.add (local.get $at) (i32.const 32)) (local.get $stride) (i32.const 448))
        (call $words (i32.add (local.get $at) (i32.const 48)) (local.get $stride) (i32.const 512))
        (local.set $i (i32.const 0))
        ;; Round 1, four steps a turn: F = (b and c) or (not b and d).
        (loop $round1
          (local.set $a (i32x4.add (i32x4.add (local.get $a) (i32x4.add (v128.load offset=320 (i32.load8_u offset=256 (local.get $i))) (v128.load32_splat offset=0 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $d) (v128.and (local.get $b) (v128.xor (local.get $c) (local.get $d))))))
          (local.set $a (i32x4.add (local.get $b) (v128.or (i32x4.shl (local.get $a) (i32.const 7)) (i32x4.shr_u (local.get $a) (i32.const 25)))))
          (local.set $d (i32x4.add (i32x4.add (local.get $d) (i32x4.add (v128.load offset=320 (i32.load8_u offset=257 (local.get $i))) (v128.load32_splat offset=4 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $c) (v128.and (local.get $a) (v128.xor (local.get $b) (local.get $c))))))
          (local.set $d (i32x4.add (local.get $a) (v128.or (i32x4.shl (local.get $d) (i32.const 12)) (i32x4.shr_u (local.get $d) (i32.const 20)))))
          (local.set $c (i32x4.add (i32x4.add (local.get $c) (i32x4.add (v128.load offset=320 (i32.load8_u offset=258 (local.get $i))) (v128.load32_splat offset=8 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $b) (v128.and (local.get $d) (v128.xor (local.get $a) (local.get $b))))))
          (local.set $c (i32x4.add (local.get $d) (v128.or (i32x4.shl (local.get $c) (i32.const 17)) (i32x4.shr_u (local.get $c) (i32.const 15)))))
          (local.set $b (i32x4.add (i32x4.add (local.get $b) (i32x4.add (v128.load offset=320 (i32.load8_u offset=259 (local.get $i))) (v128.load32_splat offset=12 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $a) (v128.and (local.get $c) (v128.xor (local.get $d) (local.get $a))))))
          (local.set $b (i32x4.add (local.get $c) (v128.or (i32x4.shl (local.get $b) (i32.const 22)) (i32x4.shr_u (local.get $b) (i32.const 10)))))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br_if $round1 (i32.lt_u (local.get $i) (i32.const 16))))
        ;; Round 2, four steps a turn: G = (b and d) or (c and not d).
        (loop $round2
          (local.set $a (i32x4.add (i32x4.add (local.get $a) (i32x4.add (v128.load offset=320 (i32.load8_u offset=256 (local.get $i))) (v128.load32_splat offset=0 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $c) (v128.and (local.get $d) (v128.xor (local.get $b) (local.get $c))))))
          (local.set $a (i32x4.add (local.get $b) (v128.or (i32x4.shl (local.get $a) (i32.const 5)) (i32x4.shr_u (local.get $a) (i32.const 27)))))
          (local.set $d (i32x4.add (i32x4.add (local.get $d) (i32x4.add (v128.load offset=320 (i32.load8_u offset=257 (local.get $i))) (v128.load32_splat offset=4 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $b) (v128.and (local.get $c) (v128.xor (local.get $a) (local.get $b))))))
          (local.set $d (i32x4.add (local.get $a) (v128.or (i32x4.shl (local.get $d) (i32.const 9)) (i32x4.shr_u (local.get $d) (i32.const 23)))))
          (local.set $c (i32x4.add (i32x4.add (local.get $c) (i32x4.add (v128.load offset=320 (i32.load8_u offset=258 (local.get $i))) (v128.load32_splat offset=8 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $a) (v128.and (local.get $b) (v128.xor (local.get $d) (local.get $a))))))
          (local.set $c (i32x4.add (local.get $d) (v128.or (i32x4.shl (local.get $c) (i32.const 14)) (i32x4.shr_u (local.get $c) (i32.const 18)))))
          (local.set $b (i32x4.add (i32x4.add (local.get $b) (i32x4.add (v128.load offset=320 (i32.load8_u offset=259 (local.get $i))) (v128.load32_splat offset=12 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $d) (v128.and (local.get $a) (v128.xor (local.get $c) (local.get $d))))))
          (local.set $b (i32x4.add (local.get $c) (v128.or (i32x4.shl (local.get $b) (i32.const 20)) (i32x4.shr_u (local.get $b) (i32.const 12)))))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br_if $round2 (i32.lt_u (local.get $i) (i32.const 32))))
        ;; Round 3, four steps a turn: H = b xor c xor d.
        (loop $round3
          (local.set $a (i32x4.add (i32x4.add (local.get $a) (i32x4.add (v128.load offset=320 (i32.load8_u offset=256 (local.get $i))) (v128.load32_splat offset=0 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $b) (v128.xor (local.get $c) (local.get $d)))))
          (local.set $a (i32x4.add (local.get $b) (v128.or (i32x4.shl (local.get $a) (i32.const 4)) (i32x4.shr_u (local.get $a) (i32.const 28)))))
          (local.set $d (i32x4.add (i32x4.add (local.get $d) (i32x4.add (v128.load offset=320 (i32.load8_u offset=257 (local.get $i))) (v128.load32_splat offset=4 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $a) (v128.xor (local.get $b) (local.get $c)))))
          (local.set $d (i32x4.add (local.get $a) (v128.or (i32x4.shl (local.get $d) (i32.const 11)) (i32x4.shr_u (local.get $d) (i32.const 21)))))
          (local.set $c (i32x4.add (i32x4.add (local.get $c) (i32x4.add (v128.load offset=320 (i32.load8_u offset=258 (local.get $i))) (v128.load32_splat offset=8 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $d) (v128.xor (local.get $a) (local.get $b)))))
          (local.set $c (i32x4.add (local.get $d) (v128.or (i32x4.shl (local.get $c) (i32.const 16)) (i32x4.shr_u (local.get $c) (i32.const 16)))))
          (local.set $b (i32x4.add (i32x4.add (local.get $b) (i32x4.add (v128.load offset=320 (i32.load8_u offset=259 (local.get $i))) (v128.load32_splat offset=12 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $c) (v128.xor (local.get $d) (local.get $a)))))
          (local.set $b (i32x4.add (local.get $c) (v128.or (i32x4.shl (local.get $b) (i32.const 23)) (i32x4.shr_u (local.get $b) (i32.const 9)))))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br_if $round3 (i32.lt_u (local.get $i) (i32.const 48))))
        ;; Round 4, four steps a turn: I = c xor (b or not d).
        (loop $round4
          (local.set $a (i32x4.add (i32x4.add (local.get $a) (i32x4.add (v128.load offset=320 (i32.load8_u offset=256 (local.get $i))) (v128.load32_splat offset=0 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $c) (v128.or (local.get $b) (v128.not (local.get $d))))))
          (local.set $a (i32x4.add (local.get $b) (v128.or (i32x4.shl (local.get $a) (i32.const 6)) (i32x4.shr_u (local.get $a) (i32.const 26)))))
          (local.set $d (i32x4.add (i32x4.add (local.get $d) (i32x4.add (v128.load offset=320 (i32.load8_u offset=257 (local.get $i))) (v128.load32_splat offset=4 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $b) (v128.or (local.get $a) (v128.not (local.get $c))))))
          (local.set $d (i32x4.add (local.get $a) (v128.or (i32x4.shl (local.get $d) (i32.const 10)) (i32x4.shr_u (local.get $d) (i32.const 22)))))
          (local.set $c (i32x4.add (i32x4.add (local.get $c) (i32x4.add (v128.load offset=320 (i32.load8_u offset=258 (local.get $i))) (v128.load32_splat offset=8 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $a) (v128.or (local.get $d) (v128.not (local.get $b))))))
          (local.set $c (i32x4.add (local.get $d) (v128.or (i32x4.shl (local.get $c) (i32.const 15)) (i32x4.shr_u (local.get $c) (i32.const 17)))))
          (local.set $b (i32x4.add (i32x4.add (local.get $b) (i32x4.add (v128.load offset=320 (i32.load8_u offset=259 (local.get $i))) (v128.load32_splat offset=12 (i32.shl (local.get $i) (i32.const 2))))) (v128.xor (local.get $d) (v128.or (local.get $c) (v128.not (local.get $a))))))
          (local.set $b (i32x4.add (local.get $c) (v128.or (i32x4.shl (local.get $b) (i32.const 21)) (i32x4.shr_u (local.get $b) (i32.const 11)))))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))
          (br_if $round4 (i32.lt_u (local.get $i) (i32.const 64))))
        (local.set $a (i32x4.add (local.get $a) (local.get $a0)))
        (local.set $b (i32x4.add (local.get $b) (local.get $b0)))
        (local.set $c (i32x4.add (local.get $c) (local.get $c0)))
        (local.set $d (i32x4.add (local.get $d) (local.get $d0)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
        (br $block)))
    (v128.store (i32.const 576) (local.get $a))
    (v128.store (i32.const 592) (local.get $b))
    (v128.store (i32.const 608) (local.get $c))
    (v128.store (i32.const 624) (local.get $d)))

  ;; Four words of each message to four vectors with one of each.
  (func $words (param $at i32) (param $stride i32) (param $out i32)
    (local $p v128) (local $q v128) (local $r v128) (local $s v128) (local $t v128) (local $u v128)
    (local.set $p (v128.load (local.get $at)))
    (local.set $at (i32.add (local.get $at) (local.get $stride)))
    (local.set $q (v128.load (local.get $at)))
    (local.set $at (i32.add (local.get $at) (local.get $stride)))
    (local.set $r (v128.load (local.get $at)))
    (local.set $s (v128.load (i32.add (local.get $at) (local.get $stride))))
    ;; p0 q0 p1 q1 and r0 s0 r1 s1
    (local.set $t (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $p) (local.get $q)))
    (local.set $u (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $r) (local.get $s)))
    (v128.store (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t) (local.get $u)))
    (v128.store offset=16 (local.get $out) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t) (local.get $u)))
    ;; p2 q2 p3 q3 and r2 s2 r3 s3
    (local.set $t (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $p) (local.get $q)))
    (local.set $u (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $r) (local.get $s)))
    (v128.store offset=32 (local.get $out) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $t) (local.get $u)))
    (v128.store offset=48 (local.get $out) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $t) (local.get $u)))))
