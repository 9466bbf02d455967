"""What somebody might type into a template to make it compute, read or call: one a line."""

REFUSED = (
    """\
{a.__class__}
{业主.__class__}
{业主.__class__.__mro__[1].__subclasses__()}
{业主!r}
{业主!s}
{业主:>30}
{业主:{房号}}
{0}
{}
{ 业主 }
{业主|upper}
{业主|safe}
{owner}
{request.user}
{settings.SECRET_KEY}
{self}
{__import__('os').system('id')}
{欠费合计:.2f}
{欠费合计*2}
{欠费合计+1}
{欠费合计,房号}
{{7*7}}
{{业主}}
{{ request }}
{{ settings.SECRET_KEY }}
{{''.__class__}}
{{config}}
{{self.__init__.__globals__}}
{{#each this}}{{/each}}
{{{业主}}}
{{{{业主}}}}
{% load static %}
{% include "/etc/passwd" %}
{% debug %}
{% for x in y %}{% endfor %}
{% if 1 %}x{% endif %}
{%raw%}
{# comment #}
${7*7}
${业主.x}
${{7*7}}
#{7*7}
#{业主.x}
@{7*7}
*{7*7}
~{7*7}
!{7*7}
%{7*7}
<%= {7} %>
{
}
{业主
业主}
}{
{{
}}
}业主{
{业主}}
{{业主}
{"a": 1}
{'业主'}
{业主\x00}
{业主\u202e}
{违约金}
{密码}
{\\u4e1a\\u4e3b}
{业 主}
{业主。房号}""".replace("\\x00", "\x00")
    .replace("\\u202e", "\u202e")
    .split("\n")
)

PRINTED = """\
<script>alert(1)</script>
<img src="http://127.0.0.1:9/x.png">
<img src="file:///etc/passwd">
<img src=x onerror=alert(1)>
<svg onload=alert(1)><image href="http://127.0.0.1:9/"/></svg>
<svg><foreignObject>x</foreignObject></svg>
<style>@import url(http://127.0.0.1:9/a.css)</style>
<link rel=stylesheet href=http://127.0.0.1:9/>
<link rel=attachment href=file:///etc/passwd>
<a rel=attachment href="file:///etc/passwd">x</a>
<object data="file:///etc/passwd"></object>
<embed src="file:///etc/passwd">
<iframe src="http://127.0.0.1:9/"></iframe>
<base href="http://127.0.0.1:9/">
<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/">
<p style="background:url(http://127.0.0.1:9/)">x</p>
<b>粗</b>
<!-- comment -->
<![CDATA[x]]>
<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>
&y; &lt;b&gt; &#x3c;b&#x3e; &amp;
url(http://127.0.0.1:9/) expression(alert(1))
javascript:alert(1)
%s %(业主)s %d %n
$业主 $(id) `id` $((7*7))
<%= 7*7 %> <?php echo 7*7 ?>
[[7*7]] ((7*7)) <<7*7>>
\\input(/etc/passwd)""".splitlines()
PRINTED += [
    "* 星号 *不是* 标题**",
    "# 不是标题",
    "--- 不是分隔线",
    "> 不是引用",
    "[链接](http://127.0.0.1:9/)",
    "=cmd|'/c calc'!A1",
    "../../../../etc/passwd",
    "'; DROP TABLE notices_notice; --",
    '" onmouseover="alert(1)',
    '#include "/etc/passwd"',
    '#read("/etc/passwd")',
    '#import "@preview/example:0.1.0": *',
    '#image("secret.svg") #plugin("x.wasm") #sys.inputs',
    '#eval("1 + 1") #(1 + 1) #str(7 * 7); #let x = 1',
    "#set text(red) #show: it => [] #pagebreak()",
    "$x$ $ sum_(k=1)^n k $",
    "*粗* _斜_ ~ -- --- ... \\ \\#",
    "= 不是标题 == 也不是",
    "- 不是列表 + 不是 / 不是: 定义",
    "`raw` ```raw``` @标签 <标签>",
    "// 不是注释 /* 不是注释 */ https://127.0.0.1/",
    ']#read("/etc/passwd")[',
    '"; #read("/etc/passwd"); "',
]
